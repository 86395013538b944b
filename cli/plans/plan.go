package plans

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/shell"
	"relay/cli/term"
	"relay/quota"
	"relay/report/api/answer"
	"relay/report/api/field"
	"relay/report/api/plans"
	"relay/report/money"
	"relay/report/words"
)

// Command is the group.
func Command(e *shell.Env) *cli.Command {
	return shell.Group("plan", "plans for sale",
		planList(e), planShow(e), planAdd(e), planSet(e), planRetire(e),
		planExport(e), planImport(e), planSimulate(e))
}

func planList(e *shell.Env) *cli.Command {
	var all bool
	return shell.Command(&cli.Command{
		Name: "list", Usage: "all plans for sale",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "all", Usage: "also those that are retired", Destination: &all}},
	}, func(ctx context.Context, _ []string) error { return list(ctx, e, all) })
}

func list(ctx context.Context, e *shell.Env, all bool) error {
	hidden := int64(0)
	in := &plans.Listed{Retired: all || e.Operator()} // the operator is told how many are hidden
	err := shell.List(ctx, e, plans.List, in, shell.Rows[answer.Plan]{
		Columns: []term.Column{{Head: "PLAN", Least: 10}, {Head: "TERM"}, {Head: "E-MAILS", Right: true},
			{Head: "BANDWIDTH", Right: true}, {Head: "ALLOWED"}, {Head: "PRICE", Right: true, Least: 12}, {Head: ""}},
		Cells: func(p *answer.Plan) []string {
			if p.Retired && !all {
				hidden++
				return nil
			}
			emails, bandwidth := field.Or0(p.Emails), field.Or0(p.Bandwidth)
			return []string{p.Name, string(p.Term), words.Allowed(emails, words.Number(emails)), words.Allowed(bandwidth, words.Size(bandwidth)),
				words.PerPeriod(p.Term), price(p.Price, p.Currency), remark(p, e.Operator())}
		},
	})
	if err == nil && hidden > 0 && !e.JSON {
		e.Note("%s retired: relay plan list --all", words.Plural(hidden, "plan"))
	}
	return err
}

// price for people.
func price(minor int64, currency string) string {
	if minor == 0 {
		return "free"
	}
	return money.Format(minor, currency)
}

// remark is what a list adds to a plan; a reseller sees no plans that are not for it.
func remark(p *answer.Plan, operator bool) string {
	switch {
	case p.Retired:
		return "retired"
	case p.Resale && operator:
		return "resale"
	}
	return ""
}

func planShow(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{Name: "show", ArgsUsage: "PLAN", Usage: "one plan"}, func(ctx context.Context, args []string) error {
		return shell.Show(ctx, e, plans.Show, &plans.Name{Plan: args[0]}, show)
	})
}

func show(e *shell.Env, p *answer.Plan) error {
	emails, bandwidth := field.Or0(p.Emails), field.Or0(p.Bandwidth)
	return term.WriteFields(e.Stdout, []term.Field{
		{"plan", p.Name},
		{"kind", kindText(p.Kind)},
		{"term", string(p.Term)},
		{"e-mails", words.Allowed(emails, words.Number(emails)) + " " + words.PerPeriod(p.Term)},
		{"bandwidth", words.Allowed(bandwidth, words.WholeSize(bandwidth)) + " " + words.PerPeriod(p.Term)},
		{"price", termPrice(p)},
		{"blocks", blocksText(p.Blocks, p.Currency)},
		{"credit", "in whole steps of " + words.WholeUnits(p.CreditStep, unit(p.Kind))},
		{"recipients", strconv.Itoa(p.Recipients) + " in one message"},
		{"at limit", limitText(p)},
		{"at its end", words.If(p.GoesOn, "it renews automatically")},
		{"overage", words.If(slices.Contains(p.AtLimit, quota.Continue), words.MostOverage(ceiling(p)))},
		{"source", words.If(p.Dedicated, "an address of its own")},
		{"resale", words.If(p.Resale, "resellers may order it")},
		{"sold", soldText(p.Retired)},
	})
}

// unit that a plan of that kind counts.
func unit(k quota.Kind) string {
	if k == quota.Bandwidth {
		return "bytes"
	}
	return "e-mails"
}

// byDefault is what happens at the limit where the account chooses nothing.
func byDefault(p *answer.Plan) quota.AtLimit {
	if len(p.Blocks) > 0 && slices.Contains(p.AtLimit, quota.Continue) {
		return quota.Continue
	}
	return quota.Suspend
}

func ceiling(p *answer.Plan) int64 {
	if p.OverMax == nil {
		return quota.Endless
	}
	return *p.OverMax
}

func limitText(p *answer.Plan) string {
	switch {
	case len(p.AtLimit) > 1:
		return "suspend or continue, as the account chooses (default " + string(byDefault(p)) + ")"
	case len(p.AtLimit) == 1:
		return string(p.AtLimit[0])
	}
	return string(quota.Suspend)
}

func kindText(k quota.Kind) string {
	if k == quota.Bandwidth {
		return "bandwidth: what is used over the allowance is counted in octets"
	}
	return "count: e-mails of any size"
}

func termPrice(p *answer.Plan) string {
	if p.Price == 0 {
		return "free"
	}
	return fmt.Sprintf("%s a %s", price(p.Price, p.Currency), p.Term)
}

// blocksText are blocks with their prices, "1 GB for EUR 5.00, ...".
func blocksText(list []quota.Block, currency string) string {
	parts := make([]string, len(list))
	for i, b := range list {
		parts[i] = words.WholeSize(b.Bytes) + " for " + price(b.Price, currency)
	}
	return strings.Join(parts, ", ")
}

func soldText(retired bool) string {
	if retired {
		return "no: it is retired, and goes on for those who have it"
	}
	return "yes"
}

func planRetire(e *shell.Env) *cli.Command {
	in := &plans.Retirement{}
	return shell.Command(&cli.Command{
		Name: "retire", ArgsUsage: "PLAN", Usage: "stop selling a plan",
		Description: "It can no longer be ordered, renewed, upgraded to or bought on top. Running terms continue to their end, and orders already placed are fulfilled.",
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "undo", Usage: "sell it again", Destination: &in.Body.Undo}},
	}, func(ctx context.Context, args []string) error {
		in.Plan = args[0]
		return shell.Show(ctx, e, plans.Retire, in, showRetired)
	})
}

func showRetired(e *shell.Env, p *plans.RetiredPlan) error {
	if !p.Retired {
		return e.Say("plan %s is sold", p.Name)
	}
	if p.Running != nil {
		defer e.Note("%s on it until the end of the term", accounts(p.Running))
	}
	return e.Say("plan %s is retired: it is sold no more", p.Name)
}
