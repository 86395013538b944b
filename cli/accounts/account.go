package accounts

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/receipt"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/quota"
	"relay/report/api/accounts"
	"relay/report/api/answer"
	"relay/report/api/field"
	"relay/report/words"
	"relay/store/record"
	"relay/store/strangers"
)

// Command is relay account.
func Command(e *shell.Env) *cli.Command {
	return shell.Group("account", "customers: who may send, on which plan",
		add(e), list(e), show(e), statement(e), remarks(e), set(e),
		upgrade(e), topUp(e), renew(e), activate(e), refund(e), closeAccount(e), correct(e),
		suspend(e), resume(e), remove(e), points(e),
		credential(e), network(e))
}

// fieldFlags are what add and set have in common.
func fieldFlags(f *accounts.AccountFields, plan *string, planNeeded bool) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "plan", Usage: "`PLAN` what it may send: see relay plan list", Required: planNeeded, Destination: plan},
		shell.TextFlag("contact", "`ADDRESS` where reports and notices go (or: none)", &f.Contact),
		shell.TextFlag("billing-contact", "`ADDRESS` where orders, invoices and receipts go (default the contact; or: none)", &f.Billing),
		shell.TextFlag("abuse-contact", "`ADDRESS` that is told too when it is suspended for abuse (or: none)", &f.AbuseMail),
		shell.TextFlag("language", "`en|de|it` of mail to the customer (default as the configuration says; or: none)", &f.Language),
		shell.ListFlag("notify", "`TOPICS` it is told about by mail besides what it must know: usage, daily, month, domain, delivery, access, access-daily, with commas; or all, none, default (all but daily and access-daily)", &f.Notify),
		&cli.StringFlag{Name: "at-limit", Usage: "`suspend|continue` refuse mail beyond the allowance, or accept it as overage (where the plan leaves the choice)", Destination: &f.AtLimit},
		shell.OverMaxFlag("as the plan says", &f.OverMax),
		shell.ListFlag("sender", "`LIST` addresses or @domains it may send from, with commas (default any)", &f.Senders),
		shell.TextFlag("profile", "`prudent|normal|full` how much of what providers take its mail may use (default as [delivery] profile; or: none)", &f.Profile),
		shell.ParsedFlag("first-cap", "`N` recipients a day that it may reach by MX for the first time (or: none, default: as [delivery] first_cap)", firstCap, &f.FirstCap),
		shell.TextFlag("auth", "`warn|refuse` take and remark, or refuse, mail whose sender nothing proves to receivers (default warn)", &f.Auth),
		shell.TextFlag("pool", "`POOL` of sources that its mail leaves by, if its plan has dedicated (or: none): see relay account points", &f.Pool),
		shell.TextFlag("owner", "`CUSTOMER` whose account it is (or: none)", &f.Owner),
		shell.TextFlag("reseller", "`RESELLER` who manages it (or: none)", &f.Reseller),
		shell.TextFlag("method", "`METHOD` how its invoices are paid, see [[payment]] (or: none)", &f.Method),
		shell.TextFlag("reference", "`TEXT` of the customer's own on invoices and letters (or: none)", &f.Reference),
		shell.OnOffFlag("service-signature", "`on|off` sign mail with the host's own key too, for feedback loops that go by the signature", &f.Service),
		shell.OnOffFlag("verp", "`on|off` have reports about its mail come back to relay, which counts them and passes them on: see [bounce]", &f.VERP),
		&cli.StringFlag{Name: "terms", Usage: "`VERSION` of your terms of service that the customer agrees to now", Destination: &f.Terms},
	}
}

func add(e *shell.Env) *cli.Command {
	var stdin bool
	in := &accounts.NewAccount{}
	flags := append(fieldFlags(&in.Body.AccountFields, &in.Body.Plan, true), shell.PasswordFlag(&stdin),
		&cli.BoolFlag{Name: "activate", Usage: "do not wait for the payment", Destination: &in.Body.Activate},
		shell.DryRunFlag(&in.Body.DryRun))
	return shell.Command(&cli.Command{
		Name: "add", ArgsUsage: "NAME", Flags: flags,
		Usage: "add an account and show its password",
		Description: `NAME is the account's name and its first login: up to 64 of a-z 0-9 . _ @ + -.

On a plan without a price it can send at once. On a plan with a price it is pending, and its invoice is shown: relay payment record activates it. --activate starts the term without waiting for that.

--method is how the customer pays: its invoices carry the instructions of that method, from [[payment]] of relay.toml. --reference is the customer's own reference, shown on its invoices and letters. --terms is the version of your terms that it agreed to; it is kept with the time.

The password is generated and shown only once, unless --password-stdin provides one.

  relay account add acme --plan standard --contact boss@acme.example`,
	}, func(ctx context.Context, args []string) (err error) {
		in.Body.Account = args[0]
		if in.Body.Password, err = chosen(e, stdin); err != nil {
			return err
		}
		v, err := accounts.Add.Call(ctx, e.Service, in)
		if err != nil {
			return err
		}
		return showAdded(e, v, stdin)
	})
}

// firstCap reads the value of --first-cap.
func firstCap(text string) (int, error) {
	switch text {
	case "none":
		return strangers.NoCap, nil
	case "default":
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > record.Uncapped {
		return 0, fmt.Errorf("%q: a number from 1 to 1,000,000, none or default", text)
	}
	return n, nil
}

// chosen is the password on standard input; "": none was announced.
func chosen(e *shell.Env, announced bool) (string, error) {
	if !announced {
		return "", nil
	}
	return shell.ReadPassword(e.Stdin)
}

// showAdded shows what a mail program has to be told, and what is to be paid.
func showAdded(e *shell.Env, v *accounts.AddedAccount, given bool) error {
	if v.Unbilled {
		noteUnbilled(e, field.Or0(v.Receipt.After.Plan))
	}
	if v.Reused {
		e.Note("an earlier account had this name: its ledger goes on here")
	}
	switch {
	case e.JSON && v.Receipt.DryRun:
		return term.Encode(e.Stdout, v.Receipt)
	case e.JSON:
		return term.Encode(e.Stdout, v.FirstLogin)
	}
	password := field.Or0(v.Password)
	switch {
	case v.Password != nil:
		defer e.Note("the password is shown only this once")
	case given:
		password = "as given"
	default:
		password = "is made when it is added"
	}
	if err := term.WriteFields(e.Stdout, []term.Field{{"account", v.Account}, {"login", v.Login}, {"password", password}}); err != nil {
		return err
	}
	if len(v.Receipt.Lines) == 0 && !v.Receipt.DryRun {
		return nil
	}
	if err := receipt.Figures(e, &v.Receipt); err != nil {
		return err
	}
	return receipt.Stand(e, &v.Receipt)
}

// noteUnbilled: an account that goes on at the limit of a plan without blocks sends any
// amount.
func noteUnbilled(e *shell.Env, plan string) {
	e.Note("plan %s has no blocks: what is used over its allowance is not billed", plan)
}

func set(e *shell.Env) *cli.Command {
	in := &accounts.AccountChange{}
	b := &in.Body
	flags := append(fieldFlags(&b.AccountFields, &b.Plan, false),
		shell.TextFlag("abuse", "`REASON` mark it for abuse, which forbids a refund (or: none)", &b.Abuse))
	return shell.Command(&cli.Command{
		Name: "set", ArgsUsage: "NAME", Flags: flags,
		Usage: "change contact, senders, limit, owner, payment",
		Description: `Everything given is set at once, or nothing is. --sender replaces the whole list; --sender any lifts the restriction.

--plan is for plans without a price. A plan of the same term and kind applies from now on, to the current period too; any other starts a new term now, and credit is lost. The account's own plan applies the changes made to it since, if its price is the same. To buy a plan: relay account upgrade, relay account renew.`,
	}, func(ctx context.Context, args []string) error {
		if *in == (accounts.AccountChange{}) {
			return exit.Usage("relay account set --help", "nothing to set")
		}
		in.Account = args[0]
		v, err := accounts.Set.Call(ctx, e.Service, in)
		switch {
		case err != nil:
			return err
		case b.Plan+b.AtLimit != "" && unbilled(v):
			noteUnbilled(e, v.Plan)
		}
		if e.JSON {
			return term.Encode(e.Stdout, v)
		}
		return showAccount(e, v)
	})
}

func unbilled(v *accounts.AccountDetail) bool {
	return v.AtLimit == string(quota.Continue) && slices.Contains(v.Terms.AtLimit, quota.Continue) && len(v.Terms.Blocks) == 0
}

func list(e *shell.Env) *cli.Command {
	in := &accounts.AccountList{}
	var limit *int64
	return shell.Command(&cli.Command{
		Name: "list", Usage: "all accounts",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "owner", Usage: "`CUSTOMER` only accounts of this customer", Destination: &in.Owner},
			&cli.StringFlag{Name: "reseller", Usage: "`RESELLER` only accounts below this reseller", Destination: &in.Reseller},
			&cli.StringFlag{Name: "state", Usage: "`STATE` only these: " + strings.Join(answer.States, ", "), Destination: &in.State},
			&cli.StringFlag{Name: "returns", Usage: "`HOW` only accounts of whose mail so much came back: near, warned, over", Destination: &in.Returns},
			shell.CountFlag("limit", "`N` at most this many accounts, the first by name", &limit),
		},
		Description: "Accounts are listed by name. Text that is too long for its column ends with …; relay account show NAME shows all of it.",
	}, func(ctx context.Context, _ []string) error {
		return shell.List(ctx, e, accounts.List, in, shell.Rows[accounts.Account]{
			Limit: field.Or0(limit),
			Columns: []term.Column{{Head: "ACCOUNT", Least: 24}, {Head: "PLAN", Least: 10}, {Head: "STATE"},
				{Head: "AT LIMIT"}, {Head: "LAST DAY"}, {Head: "CONTACT", Least: 7, First: true}},
			Cells: func(a *accounts.Account) []string {
				return []string{a.Account, a.Plan, a.State, a.AtLimit, receipt.LastDay(e, field.Or0(a.TermEnd)), field.Or0(a.Contact)}
			},
		})
	})
}

func show(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{Name: "show", ArgsUsage: "NAME", Usage: "one account, its logins and networks"},
		func(ctx context.Context, args []string) error {
			return shell.Show(ctx, e, accounts.Show, &accounts.Name{Account: args[0]}, showAccount)
		})
}

func suspend(e *shell.Env) *cli.Command {
	in := &accounts.Suspension{}
	return shell.Command(&cli.Command{
		Name: "suspend", ArgsUsage: "NAME", Usage: "refuse all mail of an account",
		Description: `Mail in the queue waits until the account is resumed, and does not expire meanwhile; relay queue drop --account NAME drops it. The customer is told by mail, with the reason.

For abuse mark the account first. The mail then says what to do about it, and goes to the account's abuse contact too:

  relay account set acme --abuse "mail to a spam trap"
  relay account suspend acme --reason "mail to a spam trap"`,
		Flags: []cli.Flag{&cli.StringFlag{Name: "reason", Usage: "`TEXT` what the customer is told in the reply", Required: true, Destination: &in.Body.Reason}},
	}, func(ctx context.Context, args []string) error {
		in.Account = args[0]
		return shell.Show(ctx, e, accounts.Suspend, in, func(e *shell.Env, v *accounts.Account) error {
			return e.Say("account %s is %s", v.Account, v.State)
		})
	})
}

func remove(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{
		Name: "remove", ArgsUsage: "NAME", Usage: "delete an account; its usage stays",
		Description: "Its usage, ledger and invoices stay in the books, and so does its name: once mail was charged or an invoice was issued under it, no other account can have it. An account with mail in the queue or with an unsettled balance cannot be removed; relay account close ends it without deleting it.",
	}, func(ctx context.Context, args []string) error {
		return shell.Show(ctx, e, accounts.Remove, &accounts.Name{Account: args[0]}, func(e *shell.Env, v *accounts.RemovedAccount) error {
			return e.Say("account %s is removed%s", v.Removed, words.If(v.Used, "; its name stands in the books, and no other account gets it"))
		})
	})
}
