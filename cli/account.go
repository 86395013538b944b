package cli

import (
	"errors"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/quota"
	"relay/smtp"
	"relay/store"
)

func (p *program) accountCommand() *cli.Command {
	return group("account", "customers: who may send, on which plan",
		p.accountAdd(), p.accountList(), p.accountShow(), p.accountSet(),
		p.accountSuspend(), p.accountResume(), p.accountRemove(),
		p.credentialCommand(), p.networkCommand())
}

// accountFlags are what add and set have in common.
type accountFlags struct {
	plan    string
	contact string
	atLimit string
	senders listFlag
}

func (f *accountFlags) flags(planNeeded bool) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "plan", Usage: "`PLAN` what it may send: see relay plan list", Required: planNeeded, Destination: &f.plan},
		&cli.StringFlag{Name: "contact", Usage: "`ADDRESS` where reports and notices go", Destination: &f.contact},
		&cli.StringFlag{Name: "at-limit", Usage: "`suspend|continue` refuse mail that does not fit; or overage (yearly bandwidth plans)", Destination: &f.atLimit},
		&cli.GenericFlag{Name: "sender", Usage: "`LIST` addresses or @domains it may send from, with commas (default any)", Value: &f.senders},
	}
}

func (p *program) accountAdd() *cli.Command {
	var a struct {
		accountFlags
		passwordStdin bool
	}
	flags := append(a.flags(true), passwordFlag(&a.passwordStdin))
	return p.onStore(&cli.Command{
		Name: "add", ArgsUsage: "NAME", Flags: flags,
		Usage: "add an account that can send at once",
		Description: `NAME is the account's name and its first login: up to 64 of a-z 0-9 . _ @ + -. The term of the plan starts now.

The password is generated and shown only this once, unless --password-stdin brings one.

  relay account add acme --plan standard --contact boss@acme.example`,
	}, work{
		stdin: func([]string) bool { return a.passwordStdin },
		run:   func(c *call) error { return c.accountAdd(c.args[0], &a.accountFlags, a.passwordStdin) },
	})
}

func (c *call) accountAdd(name string, f *accountFlags, passwordStdin bool) error {
	plan, err := c.plan(f.plan)
	if err != nil {
		return err
	}
	a := store.Account{Name: name, AtLimit: quota.Suspend, Created: c.now()}
	if err := f.apply(&a, plan); err != nil {
		return err
	}
	if !quota.ValidName(name) {
		return usage("", "account name %q: up to 64 of a-z 0-9 . _ @ + -, the first one a letter or digit", name)
	}
	cred, secret, err := c.newCredential(name, name, passwordStdin)
	if err != nil {
		return err
	}
	n := store.NewAccount{Account: a, Plan: plan, Credential: &cred, Activate: true}
	if _, err := c.st.AddAccount(store.Order{}, n); errors.Is(err, store.ErrExists) {
		return fail(exitFailed, "choose another name; relay account list shows those that are taken", "there is an account or a login %q already", name)
	} else if err != nil {
		return err
	}
	return c.showSecret(cred, secret)
}

// apply takes over the flags that were given; plan is what the account has.
func (f *accountFlags) apply(a *store.Account, plan quota.Plan) error {
	if f.contact != "" {
		if err := checkAddress(f.contact); err != nil {
			return err
		}
		a.Contact = f.contact
	}
	switch quota.AtLimit(f.atLimit) {
	case "":
	case quota.Suspend, quota.Continue:
		a.AtLimit = quota.AtLimit(f.atLimit)
	default:
		return usage("", "--at-limit %q: suspend or continue", f.atLimit)
	}
	if !plan.Allows(a.AtLimit) {
		return usage("use --at-limit suspend, or a yearly bandwidth plan",
			"plan %q does not leave the choice to continue over its allowance", plan.Name)
	}
	if f.senders.set {
		senders, err := senderList(f.senders.list)
		if err != nil {
			return err
		}
		a.Senders = senders
	}
	return nil
}

func (p *program) accountList() *cli.Command {
	return p.onStore(&cli.Command{Name: "list", Usage: "all accounts"}, work{run: (*call).accountList})
}

func (c *call) accountList() error {
	if c.json {
		a := array{w: c.Stdout}
		err := c.st.Accounts(func(acct store.Account) error { return a.add(c.accountView(&acct)) })
		return errors.Join(err, a.end())
	}
	t := newTable(column{head: "ACCOUNT", least: 24}, column{head: "PLAN", least: 10}, column{head: "STATE"},
		column{head: "AT LIMIT"}, column{head: "TERM ENDS"}, column{head: "CONTACT", least: 7})
	err := c.st.Accounts(func(acct store.Account) error {
		v := c.accountView(&acct)
		t.add(v.Account, v.Plan, v.State, v.AtLimit, c.day(v.TermEnd), v.Contact)
		return nil
	})
	return errors.Join(err, t.write(c.Stdout))
}

func (p *program) accountShow() *cli.Command {
	return p.onStore(&cli.Command{Name: "show", ArgsUsage: "NAME", Usage: "one account, its logins and networks"},
		work{run: func(c *call) error {
			a, err := c.account(c.args[0])
			if err != nil {
				return err
			}
			return c.showAccount(&a)
		}})
}

func (p *program) accountRemove() *cli.Command {
	return p.onStore(&cli.Command{
		Name: "remove", ArgsUsage: "NAME", Usage: "delete an account; its usage stays",
		Description: "Its usage stays for the books. While mail of it is in the queue it cannot be removed.",
	}, work{run: func(c *call) error {
		name := c.args[0]
		if err := c.st.RemoveAccount(name); err != nil {
			return c.noAccount(name, err)
		}
		return c.done(map[string]string{"removed": name}, "account %s is removed", name)
	}})
}

// account by name; one that is not there is exit code 67.
func (c *call) account(name string) (store.Account, error) {
	a, err := c.st.Account(name)
	return a, c.noAccount(name, err)
}

func (c *call) noAccount(name string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return fail(exitNoAccount, "relay account list shows all", "no account %q", name)
	}
	return err
}

// day of an instant in the operator's zone.
func (c *call) day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(c.st.Zone()).Format(time.DateOnly)
}

// newCredential makes a credential, with the secret to show once; a chosen
// password is not shown.
func (c *call) newCredential(account, login string, passwordStdin bool) (store.Credential, *string, error) {
	cred := store.Credential{Login: login, Account: account, Created: c.now()}
	if !passwordStdin {
		secret, hash := smtp.NewToken()
		cred.Kind, cred.Hash = store.Token, hash
		return cred, &secret, nil
	}
	password, err := readPassword(c.Stdin)
	if err != nil {
		return cred, nil, err
	}
	cred.Kind = store.Password
	cred.Hash = smtp.HashPassword(password)
	return cred, nil, nil
}
