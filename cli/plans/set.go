package plans

import (
	"context"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/quota"
	"relay/report/api/field"
	"relay/report/api/plans"
)

// planFlags are what add and set have in common. The service
// reads prices and steps: it knows the currency and the kind.
type planFlags struct {
	kind       string
	emails     shell.CountFlag
	bandwidth  shell.SizeFlag
	recipients shell.CountFlag
	term       string
	price      string
	blocks     shell.ListFlag
	creditStep string
	atLimit    shell.ListFlag
	overMax    shell.OverMaxFlag
	dedicated  *bool
	resale     *bool
	ends       *bool
}

func (f *planFlags) flags(termNeeded bool) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "term", Usage: "`year|month` an allowance for each calendar month of a year, or one for 30 days", Required: termNeeded, Destination: &f.term},
		&cli.StringFlag{Name: "kind", Usage: "`bandwidth|count` checks the kind that follows from --bandwidth", Destination: &f.kind},
		&cli.GenericFlag{Name: "emails", Usage: "`N` e-mails a period (or: unlimited; default with --bandwidth: one for each 10 KB)", Value: &f.emails},
		&cli.GenericFlag{Name: "bandwidth", Usage: "`SIZE` a period, decimal: 500MB (or: unlimited)", Value: &f.bandwidth},
		&cli.StringFlag{Name: "price", Usage: "`AMOUNT` of a term, without tax: 12.00 (or: free)", Destination: &f.price},
		&cli.GenericFlag{Name: "block", Usage: "`SIZE=AMOUNT` bandwidth beyond the allowance and its price, such as 1GB=5.00; several with commas (or: none)", Value: &f.blocks},
		&cli.StringFlag{Name: "credit-step", Usage: "`SIZE|N` credit is rounded down to whole ones: 500MB, or e-mails (or: default)", Destination: &f.creditStep},
		&cli.GenericFlag{Name: "at-limit", Usage: "`LIST` what an account may choose: suspend,continue (or: default)", Value: &f.atLimit},
		f.overMax.Flag("the largest block"),
		&cli.GenericFlag{Name: "recipients", Usage: "`N` recipients in one message (default 50)", Value: &f.recipients},
		&cli.BoolFlag{Name: "ends", Usage: "a year without a price ends too; --ends=false: it renews automatically",
			Action: func(_ *cli.Context, yes bool) error { f.ends = &yes; return nil }},
		&cli.BoolFlag{Name: "dedicated", Usage: "with a sending address of its own; --dedicated=false without",
			Action: func(_ *cli.Context, yes bool) error { f.dedicated = &yes; return nil }},
		&cli.BoolFlag{Name: "resale", Usage: "resellers may order it too; --resale=false only the operator",
			Action: func(_ *cli.Context, yes bool) error { f.resale = &yes; return nil }},
	}
}

func (f *planFlags) set() bool {
	return f.kind != "" || f.emails.Given || f.bandwidth.Given || f.recipients.Given || f.term != "" || f.price != "" ||
		f.blocks.Given || f.creditStep != "" || f.atLimit.Given || f.overMax.Given || f.dedicated != nil || f.resale != nil || f.ends != nil
}

// fields of the request that were given.
func (f *planFlags) fields() plans.Fields {
	out := plans.Fields{Kind: f.kind, Term: f.term, Price: f.price, CreditStep: f.creditStep, Dedicated: f.dedicated, Resale: f.resale, Ends: f.ends,
		Emails: given(f.emails.N, f.emails.Given), Bandwidth: given(f.bandwidth.N, f.bandwidth.Given),
		Recipients: given(f.recipients.N, f.recipients.Given), OverMax: given(f.overMax.N, f.overMax.Given)}
	if f.blocks.Given {
		out.Blocks = new(field.OrNone(f.blocks.List))
	}
	if f.atLimit.Given {
		list := []quota.AtLimit{}
		for _, a := range f.atLimit.List {
			list = append(list, quota.AtLimit(a))
		}
		out.AtLimit = &list
	}
	return out
}

// given is the value of a flag as a member of a request: nil when it was not given.
func given(n int64, is bool) *int64 {
	if !is {
		return nil
	}
	return &n
}

func planAdd(e *shell.Env) *cli.Command {
	var f planFlags
	return shell.Command(&cli.Command{
		Name: "add", ArgsUsage: "PLAN", Flags: f.flags(true), Usage: "add a plan",
		Description: `With --bandwidth and without --emails it allows one e-mail for each 10 KB; --emails unlimited says otherwise. Without --bandwidth it is a plan for a number of e-mails of any size; with neither there is no limit. A message has up to 50 recipients. Without a price it is free, and a year renews automatically unless --ends is given; 30 days never do. Without blocks overage is not billed. Amounts are in the currency of [billing].

  relay plan add small --term year --bandwidth 50MB --emails 5000 --price 12.00
  relay plan add large --term year --bandwidth 5GB --price 90 \
    --block 1GB=5.00,2GB=9.00`,
	}, func(ctx context.Context, args []string) error {
		in := &plans.New{}
		in.Body.Plan, in.Body.Fields = args[0], f.fields()
		p, err := plans.Add.Call(ctx, e.Service, in)
		return showChanged(e, p, err)
	})
}

func planSet(e *shell.Env) *cli.Command {
	var f planFlags
	return shell.Command(&cli.Command{
		Name: "set", ArgsUsage: "PLAN", Flags: f.flags(false), Usage: "change a plan, for new terms",
		Description: "Running terms never change: accounts keep what they bought, and renew on the plan as it is then. relay account set NAME --plan PLAN gives an account the new terms now. --block and --at-limit replace the whole list. A new --bandwidth changes the e-mails too where these are one for each 10 KB of the old one.",
	}, func(ctx context.Context, args []string) error {
		if !f.set() {
			return exit.Usage("relay plan set --help", "nothing to set")
		}
		p, err := plans.Set.Call(ctx, e.Service, &plans.Change{Plan: args[0], Body: f.fields()})
		return showChanged(e, p, err)
	})
}

// showChanged shows a plan that was added or changed.
func showChanged(e *shell.Env, p *plans.ChangedPlan, err error) error {
	if err != nil {
		return err
	}
	if p.NoSeller {
		e.Note("invoices have no address of yours yet: set seller in [billing]")
	}
	if e.JSON {
		err = term.Encode(e.Stdout, p)
	} else {
		err = show(e, &p.Plan)
	}
	if err == nil {
		noteOlder(e, p.Older, p.Name)
	}
	return err
}
