package accounts

import (
	"context"
	"errors"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/receipt"
	"relay/cli/shell"
	"relay/quota"
	"relay/report/api/accounts"
	"relay/report/api/act"
	"relay/report/api/answer"
	"relay/report/api/field"
	"relay/report/api/orders"
	"relay/report/money"
	"relay/report/words"
)

// orderCommand completes a command that is one order on an account.
func orderCommand[In any](e *shell.Env, cmd *cli.Command, order *act.Act[In, answer.Receipt], in *In, dry *bool, read func(ctx context.Context, account string) error) *cli.Command {
	cmd.ArgsUsage = "NAME"
	cmd.Flags = append(cmd.Flags, shell.DryRunFlag(dry))
	return shell.Command(cmd, func(ctx context.Context, args []string) error {
		if err := read(ctx, args[0]); err != nil {
			return err
		}
		v, err := order.Call(ctx, e.Service, in)
		return receipt.Ordered(e, v, err)
	})
}

// payFlags are those of an order that is invoiced.
func payFlags(p *orders.Payment) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "method", Usage: "`METHOD` how its invoice is paid (default the account's)", Destination: &p.Method},
		&cli.StringFlag{Name: "reference", Usage: "`TEXT` of the customer's own on its invoice (default the account's)", Destination: &p.Reference},
	}
}

func upgrade(e *shell.Env) *cli.Command {
	in := &orders.PlanOrder{}
	return orderCommand(e, &cli.Command{
		Name: "upgrade", Usage: "change to a larger plan for the rest of the term",
		Description: `The larger allowance applies at once, to the whole current month too; use and credit carry over. The invoice is for the difference in price, by the day, from the start of the current month to the end of the term.

A plan that is smaller, or of another kind or term, starts with the next term: relay account renew NAME --plan PLAN. So does a larger plan when 30 days are used up; the renewal then begins at once.

  relay account upgrade acme --plan mega --dry-run`,
		Flags: append([]cli.Flag{&cli.StringFlag{Name: "plan", Usage: "`PLAN` the larger one", Required: true, Destination: &in.Body.Plan}}, payFlags(&in.Body.Payment)...),
	}, orders.Upgrade, in, &in.Body.DryRun.DryRun, func(_ context.Context, account string) error { in.Account = account; return nil })
}

func renew(e *shell.Env) *cli.Command {
	in := &orders.PlanOrder{}
	return orderCommand(e, &cli.Command{
		Name: "renew", Usage: "another term, after the current one",
		Description: `The term starts when the last one ends, or at once if it has ended. A term of 30 days also ends when its allowance is used up: when no e-mail is left, or on a bandwidth plan none of 10 KB. Such a term is renewed, not upgraded. A renewal paid earlier begins with the first message that fits the new term but not the rest of the old one; that rest is credited in the new term. A plan with a price waits for the payment of its invoice; one without is added at once.

--plan chooses another plan for that term, which may be smaller. Without it the plan stays the same, as it is sold now.`,
		Flags: append([]cli.Flag{&cli.StringFlag{Name: "plan", Usage: "`PLAN` of the new term (default the present one)", Destination: &in.Body.Plan}}, payFlags(&in.Body.Payment)...),
	}, orders.Renew, in, &in.Body.DryRun.DryRun, func(_ context.Context, account string) error { in.Account = account; return nil })
}

func topUp(e *shell.Env) *cli.Command {
	in := &orders.CreditOrder{}
	var block, count *int64
	return orderCommand(e, &cli.Command{
		Name: "topup", Usage: "buy extra credit, usable immediately",
		Description: `An account with a count plan takes a monthly count plan on top: --plan. One with a bandwidth plan takes blocks of its plan: --block, and --count for more than one.

The credit is used after the allowance and before overage. Credit left at the end of the period lasts until the end of the term: every e-mail of a count plan, whole steps of a bandwidth plan (500 MB, unless the plan says otherwise).

  relay account topup acme --block 1GB --count 2`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "plan", Usage: "`PLAN` a monthly count plan", Destination: &in.Body.Plan},
			shell.SizeFlag("block", "`SIZE` of a block of the account's plan: 1GB", &block),
			shell.CountFlag("count", "`N` how many blocks (default 1)", &count),
		}, payFlags(&in.Body.Payment)...),
	}, orders.TopUp, in, &in.Body.DryRun.DryRun, func(_ context.Context, account string) error {
		in.Account, in.Body.Block, in.Body.Count = account, field.Or0(block), field.Or0(count)
		return bought(in.Body.Plan, block, count)
	})
}

// bought checks which flags of a top-up go together.
func bought(plan string, block, count *int64) error {
	const more = "relay account topup --help"
	switch {
	case plan != "" && block != nil:
		return exit.Usage(more, "--plan and --block: a count plan takes the one, a bandwidth plan the other")
	case plan == "" && block == nil:
		return exit.Usage(more, "name what is bought: --plan PLAN on a count plan, --block SIZE on a bandwidth plan")
	case plan != "" && count != nil:
		return exit.Usage(more, "--count is for --block; a plan is bought on top once a command")
	case block != nil && *block == 0, count != nil && *count == 0:
		return exit.Usage(more, "blocks have a size and a number: --block 1GB --count 2")
	}
	return nil
}

func refund(e *shell.Env) *cli.Command {
	in := &orders.Order{}
	return orderCommand(e, &cli.Command{
		Name: "refund", Usage: "refund the term in full and close the account, or refund a renewal",
		Description: `A refund is possible until the 30th day of the account's first term, if there was no overage or abuse in it. A refusal lists every reason and what would have been paid back.

The refund covers what was paid for the term, its upgrades and its credit, plus the rest of the balance, less what the account owes; the invoices get credit notes. Only money that came in as payments is paid back: amounts that you gave by corrections end with the account. The account is closed for good. relay only records the refund: you send the money.

A paid renewal whose term has not begun can always be refunded. If the present term cannot be refunded, only the renewal is, and the account continues to the end of the present term.`,
	}, orders.Refund, in, &in.Body.DryRun, func(_ context.Context, account string) error { in.Account = account; return nil })
}

func closeAccount(e *shell.Env) *cli.Command {
	in := &orders.Ending{}
	return orderCommand(e, &cli.Command{
		Name: "close", Usage: "close an account for good, without a refund",
		Description: `Its term and its credit end now; orders that wait for a payment are cancelled. Its debts remain; what it paid for terms that have not begun becomes its balance, with a credit note, for you to pay back. It stays in lists and in the books; relay account remove deletes it.`,
		Flags:       []cli.Flag{&cli.StringFlag{Name: "reason", Usage: "`TEXT` for the ledger", Destination: &in.Body.Reason}},
	}, orders.Close, in, &in.Body.DryRun.DryRun, func(_ context.Context, account string) error { in.Account = account; return nil })
}

func activate(e *shell.Env) *cli.Command {
	in := &orders.Order{}
	return orderCommand(e, &cli.Command{
		Name: "activate", Usage: "start a pending account before it has paid",
		Description: "The term starts now. The invoice stays open: if it is not paid by its due date and the days of grace after it, the account is suspended. If the payment has arrived, use relay payment record, which activates the account too.",
	}, orders.Activate, in, &in.Body.DryRun, func(_ context.Context, account string) error { in.Account = account; return nil })
}

func correct(e *shell.Env) *cli.Command {
	in := &orders.Correction{}
	var amount, credit string
	return orderCommand(e, &cli.Command{
		Name: "correct", Usage: "enter an amount or credit by hand",
		Description: `Ledger entries are never changed; another entry corrects a mistake.

--amount is money in the customer's favour, or with a minus against it. It pays what is open. A debt from a correction has no invoice: relay payment record --account NAME records its payment. With --paid-back the amount is money that you have sent to the customer out of its free balance; relay payment list shows it. Nothing else can be taken from the balance of a closed account. --credit grants allowance until the end of the term: a size for a bandwidth plan, e-mails for a count plan.

  relay account correct acme --amount -12.50 --reason 'bank charge'`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "amount", Usage: "`AMOUNT` of money: 12.50 or -12.50", Destination: &amount},
			&cli.StringFlag{Name: "credit", Usage: "`N` e-mails, or a size such as 500MB", Destination: &credit},
			&cli.BoolFlag{Name: "paid-back", Usage: "the amount, with a minus, was sent to the customer", Destination: &in.Body.PaidBack},
			&cli.StringFlag{Name: "reason", Usage: "`TEXT` for the ledger", Required: true, Destination: &in.Body.Reason},
		},
	}, orders.Correct, in, &in.Body.DryRun.DryRun, func(ctx context.Context, account string) error {
		in.Account = account
		if amount == "" && credit == "" {
			return nil // the service says what is missing
		}
		a, err := accounts.Show.Call(ctx, e.Service, &accounts.Name{Account: account})
		if err != nil {
			return err
		}
		return figures(in, a, amount, credit)
	})
}

// figures reads amount and credit, in the currency and the unit of the account.
func figures(in *orders.Correction, a *accounts.AccountDetail, amount, credit string) (err error) {
	const more = "relay account correct --help"
	if amount != "" && credit != "" {
		return exit.Usage(more, "one of --amount and --credit")
	}
	if amount != "" {
		if in.Body.Amount, err = money.Parse(amount, a.Currency); err != nil {
			return exit.Usage(more, "--amount: %w", err)
		}
		if in.Body.Amount == 0 {
			return exit.Usage(more, "--amount %s: above or below zero", amount)
		}
		return nil
	}
	if in.Body.Credit, err = parseUnits(credit, a.Terms.Kind); err != nil {
		return exit.Usage(more, "--credit: %w", err)
	}
	return nil
}

// parseUnits reads credit of a plan: a size, or e-mails.
func parseUnits(text string, kind quota.Kind) (n int64, err error) {
	parse := words.ParseSize
	if kind == quota.Count {
		parse = words.ParseCount
	}
	n, err = parse(text)
	if err == nil && (n <= 0 || n > quota.MaxOver) {
		err = errors.New(text + ": above zero, and not too large to count")
	}
	return n, err
}
