package cli

import (
	"cmp"
	"errors"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/quota"
	"relay/report/api/answer"
	"relay/report/words"
	"relay/store"
	"relay/store/secret"
)

func (p *program) accountCommand() *cli.Command {
	return shell.Group("account", "customers: who may send, on which plan",
		p.accountAdd(), p.accountList(), p.accountShow(), p.accountStatement(), p.accountSet(),
		p.accountUpgrade(), p.accountTopUp(), p.accountRenew(), p.accountActivate(), p.accountRefund(), p.accountClose(), p.accountCorrect(),
		p.accountSuspend(), p.accountResume(), p.accountRemove(),
		p.credentialCommand(), p.networkCommand())
}

// accountFlags are what add and set have in common.
type accountFlags struct {
	plan     string
	contact  string
	atLimit  string
	overMax  shell.OverMaxFlag
	senders  shell.ListFlag
	owner    string
	reseller string
	buying
}

func (f *accountFlags) flags(planNeeded bool) []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "plan", Usage: "`PLAN` what it may send: see relay plan list", Required: planNeeded, Destination: &f.plan},
		&cli.StringFlag{Name: "contact", Usage: "`ADDRESS` where reports and notices go (or: none)", Destination: &f.contact},
		&cli.StringFlag{Name: "at-limit", Usage: "`suspend|continue` refuse mail that does not fit; or overage (where the plan leaves the choice)", Destination: &f.atLimit},
		f.overMax.Flag("as the plan says"),
		&cli.GenericFlag{Name: "sender", Usage: "`LIST` addresses or @domains it may send from, with commas (default any)", Value: &f.senders},
		&cli.StringFlag{Name: "owner", Usage: "`CUSTOMER` whose account it is (or: none)", Destination: &f.owner},
		&cli.StringFlag{Name: "reseller", Usage: "`RESELLER` who manages it (or: none)", Destination: &f.reseller},
	}, f.buying.accountFlags()...)
}

// newAccount is what relay account add is given beside that.
type newAccount struct {
	accountFlags
	passwordStdin bool
	activate      bool
	dryRun        bool
}

func (p *program) accountAdd() *cli.Command {
	var a newAccount
	flags := append(a.flags(true), shell.PasswordFlag(&a.passwordStdin),
		&cli.BoolFlag{Name: "activate", Usage: "do not wait for the payment", Destination: &a.activate},
		shell.DryRunFlag(&a.dryRun))
	return p.onStore(&cli.Command{
		Name: "add", ArgsUsage: "NAME", Flags: flags,
		Usage: "add an account and show its password",
		Description: `NAME is the account's name and its first login: up to 64 of a-z 0-9 . _ @ + -.

On a plan without a price it can send at once. On a plan with a price it is pending, and its invoice is shown: relay payment record activates it. --activate starts the term without waiting for that.

--method is how the customer pays: its invoices carry the instructions of that method, from [[payment]] of relay.toml. --reference is a text of the customer's own that stands on its invoices and letters. --terms is the version of your terms that it agreed to; it is kept with the time.

The password is generated and shown only this once, unless --password-stdin brings one.

  relay account add acme --plan standard --contact boss@acme.example`,
	}, work{
		stdin: func([]string) bool { return a.passwordStdin },
		run:   func(c *call) error { return c.addAccount(c.args[0], &a) },
	})
}

// accountAdd is relay account add with the plainest of its flags.
func (c *call) accountAdd(name string, f *accountFlags, passwordStdin bool) error {
	return c.addAccount(name, &newAccount{accountFlags: *f, passwordStdin: passwordStdin})
}

func (c *call) addAccount(name string, f *newAccount) error {
	plan, err := c.plan(f.plan)
	if err != nil {
		return err
	}
	a := store.Account{Name: name, Created: c.now()}
	if err := cmp.Or(f.apply(&a), f.limit(&a, plan), c.known(shell.NotNone(f.owner), shell.NotNone(f.reseller)), c.mayPayBy(f.method, shell.NotNone(f.owner))); err != nil {
		return err
	}
	if !quota.ValidName(name) {
		return exit.Usage("", "account name %q: up to 64 of a-z 0-9 . _ @ + -, the first one a letter or digit", name)
	}
	cred, secret, err := c.newCredential(name, name, f.passwordStdin)
	if err != nil {
		return err
	}
	n := store.NewAccount{Account: a, Plan: plan, Credential: &cred, Activate: f.activate}
	r, err := c.st.AddAccount(c.order(f.dryRun), n)
	if errors.Is(err, store.ErrExists) {
		return exit.Fail(exit.Failed, "choose another name; relay account list shows those that are taken", "there is an account or a login %q already", name)
	}
	if errors.Is(err, store.ErrUsed) {
		return usedName(name)
	}
	if errors.Is(err, store.ErrEnough) {
		return exit.Fail(exit.Failed, "the operator can add more, and raise accounts_per_reseller in [limits]", "account %s: %w", name, err)
	}
	if no, ok := errors.AsType[*quota.Refusal](err); ok {
		return exit.Fail(exit.Failed, refusedHint(name, plan.Name, no), "account %s: %s", name, words.English.Refusal(no))
	} else if err != nil {
		return err
	}
	c.noteUnbilled(a.Limit(plan), plan)
	if r.Before.Name == "" && len(r.Entries) > 0 && r.Entries[0].Seq > 1 {
		c.note("the name was used by an account before: its ledger is there too")
	}
	return c.showAdded(&orderOutput{name: name, what: "add", dryRun: f.dryRun}, &r, &cred, secret)
}

// usedName is the refusal to give the books of an account to another one.
func usedName(name string) error {
	return exit.Fail(exit.Failed, "add one with another name: the ledger and the invoices of the one before would be its own",
		"account %s: the name was used by an account before", name)
}

// addedView is a new account as programs see it.
type addedView struct {
	Account  string           `json:"account"`
	Login    string           `json:"login"`
	Password *string          `json:"password"` // only this once; null: as given
	State    string           `json:"state"`
	Invoices []answer.Payable `json:"invoices"` // none: the plan has no price
}

// showAdded shows what a mail program has to be told, and what is to be paid.
func (c *call) showAdded(o *orderOutput, r *store.Receipt, cred *store.Credential, secret *string) error {
	v := c.receipt(o, r)
	if o.dryRun {
		secret = nil // there is no such login
	}
	if c.json {
		if o.dryRun {
			return term.Encode(c.Stdout, v)
		}
		return term.Encode(c.Stdout, addedView{Account: o.name, Login: cred.Login, Password: secret, State: *v.After.State, Invoices: v.Invoices})
	}
	fields := []term.Field{{"account", o.name}, {"login", cred.Login}, {"password", "as given"}}
	switch {
	case secret != nil:
		fields[2][1] = *secret
		defer c.note("the password is shown only this once")
	case o.dryRun && cred.Kind == store.Token:
		fields[2][1] = "is made when it is added"
	}
	if err := term.WriteFields(c.Stdout, fields); err != nil {
		return err
	}
	if len(v.Lines) == 0 && !o.dryRun {
		return nil
	}
	if err := c.showFigures(&v); err != nil {
		return err
	}
	return c.showStand(&v)
}

// apply takes over the flags that were given, but for the plan and the limit.
func (f *accountFlags) apply(a *store.Account) error {
	if err := takeContact(&a.Contact, f.contact); err != nil {
		return err
	}
	if f.senders.Given {
		senders, err := senderList(f.senders.List)
		if err != nil {
			return err
		}
		a.Senders = senders
	}
	f.overMax.Take(&a.OverMax)
	if err := f.buying.check(); err != nil {
		return err
	}
	f.buying.apply(a)
	take(&a.Owner, f.owner)
	take(&a.Reseller, f.reseller)
	return nil
}

// take over the name that a flag gives: none is nobody, and "" changes nothing.
func take(to *string, given string) {
	if given != "" {
		*to = shell.NotNone(given)
	}
}

// takeContact is take, for an address of mail.
func takeContact(to *string, given string) error {
	if address := shell.NotNone(given); address != "" {
		if err := checkAddress(address); err != nil {
			return err
		}
	}
	take(to, given)
	return nil
}

// limit takes over what is to happen at the limit of plan.
func (f *accountFlags) limit(a *store.Account, plan quota.Plan) error {
	switch quota.AtLimit(f.atLimit) {
	case "":
	case quota.Suspend, quota.Continue:
		a.AtLimit = quota.AtLimit(f.atLimit)
	default:
		return exit.Usage("", "--at-limit %q: suspend or continue", f.atLimit)
	}
	if a.AtLimit == "" || plan.Allows(a.AtLimit) {
		return nil
	}
	choices := plan.Choices()
	if a.AtLimit == quota.Continue {
		return exit.Usage("use --at-limit "+string(choices[0])+", or a plan that allows more",
			"plan %q does not leave the choice to continue over its allowance", plan.Name)
	}
	return exit.Usage("use --at-limit "+string(choices[0]), "plan %q does not leave the choice to %s at the limit", plan.Name, a.AtLimit)
}

func (p *program) accountShow() *cli.Command {
	return p.onStore(&cli.Command{Name: "show", ArgsUsage: "NAME", Usage: "one account, its logins and networks"},
		work{run: func(c *call) error {
			if _, err := c.account(c.args[0]); err != nil {
				return err
			}
			return c.showAccount(c.args[0])
		}})
}

func (p *program) accountRemove() *cli.Command {
	return p.onStore(&cli.Command{
		Name: "remove", ArgsUsage: "NAME", Usage: "delete an account; its usage stays",
		Description: "Its usage, its ledger and its invoices stay for the books, and so does its name: once mail was charged or an invoice was issued under it, no other account gets it. While mail of it is in the queue, or money is open between it and you, it cannot be removed; relay account close ends it without deleting it.",
	}, work{run: func(c *call) error {
		name := c.args[0]
		err := c.st.RemoveAccount(c.order(false), name)
		if errors.Is(err, store.ErrOwing) {
			return c.owing(name)
		}
		if err != nil {
			return c.noAccount(name, err)
		}
		used, err := c.st.NameUsed(name)
		if err != nil {
			return err
		}
		text := "account %s is removed"
		if used {
			text += "; its name stands in the books, and no other account gets it"
		}
		return c.done(removedView{name, used}, text, name)
	}})
}

// removedView is what programs see of a removal.
type removedView struct {
	Removed string `json:"removed"`
	Used    bool   `json:"name_used"` // no other account gets the name
}

// owing says what is open between an account and the operator.
func (c *call) owing(name string) error {
	a, err := c.account(name)
	if err != nil {
		return err
	}
	if a.Balance == 0 { // it is not closed yet
		return exit.Fail(exit.Failed, "relay account close "+name+" --dry-run shows it, line by line", "account %s: when it ends, money is open between it and you", name)
	}
	if a.Balance > 0 {
		return exit.Fail(exit.Failed, "pay it back and enter it: relay account correct "+name+" --amount -N --paid-back --reason TEXT", "account %s has %s with you", name, c.amount(a.Balance))
	}
	hint := "relay payment record enters a payment, relay account correct waives it"
	if a.State != store.Closed {
		hint += ", relay account close leaves it open"
	}
	return exit.Fail(exit.Failed, hint, "account %s owes money; relay account show %s has the invoices", name, name)
}

// account by name; one that is not there is exit code 67.
func (c *call) account(name string) (store.Account, error) {
	a, err := c.st.Account(name)
	return a, c.noAccount(name, err)
}

func (c *call) noAccount(name string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return exit.Fail(exit.NoAccount, "relay account list shows all", "no account %q", name)
	}
	return err
}

// day of an instant in the operator's zone.
func (c *call) day(t time.Time) string { return words.Day(t, c.st.Zone()) }

// newCredential makes a credential, with the secret to show once; a chosen
// password is not shown.
func (c *call) newCredential(account, login string, passwordStdin bool) (store.Credential, *string, error) {
	cred := store.Credential{Login: login, Account: account, Created: c.wall()}
	if !passwordStdin {
		secret, hash := secret.NewToken()
		cred.Kind, cred.Hash = store.Token, hash
		return cred, &secret, nil
	}
	password, err := shell.ReadPassword(c.Stdin)
	if err != nil {
		return cred, nil, err
	}
	cred.Kind = store.Password
	cred.Hash = secret.HashPassword(password)
	return cred, nil, nil
}
