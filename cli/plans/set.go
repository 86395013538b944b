package plans

import (
	"context"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/plans"
)

// planFlags are what add and set have in common. The service
// reads prices and steps: it knows the currency and the kind.
func planFlags(f *plans.Fields, termNeeded bool) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "term", Usage: "`year|month` an allowance for each calendar month of a year, or one for 30 days", Required: termNeeded, Destination: &f.Term},
		&cli.StringFlag{Name: "kind", Usage: "`bandwidth|count` checks the kind that follows from --bandwidth", Destination: &f.Kind},
		shell.CountFlag("emails", "`N` e-mails a period (or: unlimited; default with --bandwidth: one for each 10 KB)", &f.Emails),
		shell.SizeFlag("bandwidth", "`SIZE` a period, decimal: 500MB (or: unlimited)", &f.Bandwidth),
		&cli.StringFlag{Name: "price", Usage: "`AMOUNT` of a term, without tax: 12.00 (or: free)", Destination: &f.Price},
		shell.ListFlag("block", "`SIZE=AMOUNT` bandwidth beyond the allowance and its price, such as 1GB=5.00; several with commas (or: none)", &f.Blocks),
		&cli.StringFlag{Name: "credit-step", Usage: "`SIZE|N` credit is rounded down to whole ones: 500MB, or e-mails (or: default)", Destination: &f.CreditStep},
		shell.ListFlag("at-limit", "`LIST` what an account may choose: suspend,continue (or: default)", &f.AtLimit),
		shell.OverMaxFlag("the largest block", &f.OverMax),
		shell.CountFlag("recipients", "`N` recipients in one message (default 50)", &f.Recipients),
		shell.SwitchFlag("ends", "a year without a price ends too; --ends=false: it renews automatically", &f.Ends),
		shell.SwitchFlag("dedicated", "with a sending address of its own; --dedicated=false without", &f.Dedicated),
		shell.SwitchFlag("resale", "resellers may order it too; --resale=false only the operator", &f.Resale),
	}
}

func planAdd(e *shell.Env) *cli.Command {
	in := &plans.New{}
	return shell.Command(&cli.Command{
		Name: "add", ArgsUsage: "PLAN", Flags: planFlags(&in.Body.Fields, true), Usage: "add a plan",
		Description: `With --bandwidth and without --emails it allows one e-mail for each 10 KB; --emails unlimited says otherwise. Without --bandwidth it is a plan for a number of e-mails of any size; with neither there is no limit. A message has up to 50 recipients. Without a price it is free, and a year renews automatically unless --ends is given; 30 days never do. Without blocks overage is not billed. Amounts are in the currency of [billing].

  relay plan add small --term year --bandwidth 50MB --emails 5000 --price 12.00
  relay plan add large --term year --bandwidth 5GB --price 90 \
    --block 1GB=5.00,2GB=9.00`,
	}, func(ctx context.Context, args []string) error {
		in.Body.Plan = args[0]
		p, err := plans.Add.Call(ctx, e.Service, in)
		return showChanged(e, p, err)
	})
}

func planSet(e *shell.Env) *cli.Command {
	in := &plans.Change{}
	return shell.Command(&cli.Command{
		Name: "set", ArgsUsage: "PLAN", Flags: planFlags(&in.Body, false), Usage: "change a plan, for new terms",
		Description: "Running terms never change: accounts keep what they bought, and renew on the plan as it is then. relay account set NAME --plan PLAN gives an account the new terms now. --block and --at-limit replace the whole list. A new --bandwidth changes the e-mails too where these are one for each 10 KB of the old one.",
	}, func(ctx context.Context, args []string) error {
		if *in == (plans.Change{}) {
			return exit.Usage("relay plan set --help", "nothing to set")
		}
		in.Plan = args[0]
		p, err := plans.Set.Call(ctx, e.Service, in)
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
