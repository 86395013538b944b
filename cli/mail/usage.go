package mail

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/quota"
	"relay/report/api/answer"
	"relay/report/api/field"
	api "relay/report/api/mail"
	"relay/report/words"
)

// UsageCommand is relay usage.
func UsageCommand(e *shell.Env) *cli.Command {
	in := &api.UsageList{}
	var limit *int64
	return shell.Command(&cli.Command{
		Name: "usage", ArgsUsage: "[NAME]", Usage: "usage of the allowance",
		Description: `An e-mail is one recipient's copy; its size is that of the message as submitted. Sizes are decimal. Credit is what is left of it now; over is what was used beyond the allowance, on credit or not.

The period is the present one unless --period names another: a month (2026-11), or the first day of a month's plan (2026-11-23). Beside a past period is the allowance that its term has now; relay account statement shows it as it was.

Without NAME it lists all accounts, by name; with --period only those that sent mail in it. Of a period of 30 days the list shows the last day. The filters are for that list.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "period", Usage: "`PERIOD` a month, 2026-11, or the first day of a month's plan", Destination: &in.Period},
			&cli.StringFlag{Name: "owner", Usage: "`CUSTOMER` only accounts of this customer", Destination: &in.Owner},
			&cli.StringFlag{Name: "reseller", Usage: "`RESELLER` only accounts below this reseller", Destination: &in.Reseller},
			&cli.StringFlag{Name: "state", Usage: "`STATE` only these: " + strings.Join(answer.States, ", "), Destination: &in.State},
			shell.CountFlag("limit", "`N` at most this many accounts, the first by name", &limit),
		},
	}, func(ctx context.Context, args []string) error {
		if len(args) == 0 {
			return listUsage(ctx, e, in, field.Or0(limit))
		}
		if in.Owner != "" || in.Reseller != "" || in.State != "" || limit != nil {
			return exit.Usage("leave out NAME, or the filters", "--owner, --reseller, --state and --limit are for the list of all accounts")
		}
		return shell.Show(ctx, e, api.ShowUsage, &api.AccountUsage{Account: args[0], Period: in.Period}, showUsage)
	})
}

// listUsage lists the accounts that there are; with a period, those that used it.
func listUsage(ctx context.Context, e *shell.Env, in *api.UsageList, limit int64) error {
	return shell.List(ctx, e, api.ListUsage, in, shell.Rows[api.Usage]{
		Limit: limit,
		Columns: []term.Column{{Head: "ACCOUNT", Least: 10}, {Head: "PERIOD"}, {Head: "E-MAILS", Right: true},
			{Head: "OF", Right: true}, {Head: "BANDWIDTH", Right: true}, {Head: "OF", Right: true},
			{Head: "FAILED", Right: true}, {Head: "QUEUED", Right: true}},
		Cells: func(v *api.Usage) []string {
			return []string{v.Account, periodCell(v, e.Zone()), words.Number(v.Messages), limitText(v.AllowMessages, words.Number),
				words.Size(v.Bytes), limitText(v.AllowBytes, words.Size), words.Number(v.Failed), words.Number(v.Queued)}
		},
	})
}

// periodCell is a period in a table, which has no room for both days of a month's plan.
func periodCell(v *api.Usage, zone *time.Location) string {
	if text := words.Period(v.Period, v.PeriodStart, v.PeriodEnd, zone); text != v.Period {
		return "to " + words.Day(quota.LastDay(*v.PeriodEnd, zone), zone)
	}
	return cmp.Or(v.Period, "-")
}

func showUsage(e *shell.Env, v *api.Usage) error {
	return term.WriteFields(e.Stdout, []term.Field{
		{"account", v.Account},
		{"plan", cmp.Or(v.Plan, "-")},
		{"period", words.Period(v.Period, v.PeriodStart, v.PeriodEnd, e.Zone())},
		{"e-mails", words.Used(v.Messages, v.AllowMessages, words.Number)},
		{"bandwidth", words.Used(v.Bytes, v.AllowBytes, words.Size)},
		{"credit", creditText(v)},
		{"overage", overageText(v)},
		{"delivered", words.Number(v.Delivered)},
		{"bounced", words.If(v.Bounced > 0, words.Number(v.Bounced)+" of those delivered, later")},
		{"complaints", words.If(v.Complained > 0, words.Number(v.Complained)+" of those delivered")},
		{"failed", failedText(v)},
		{"queued", fmt.Sprintf("%s, of these deferred: %s", words.Number(v.Queued), words.Number(v.Deferred))},
		{"DSNs", dsnText(v)},
	})
}

// failedText is how many e-mails failed, and the most common reasons.
func failedText(v *api.Usage) string {
	reasons := slices.SortedFunc(maps.Keys(v.Failures), func(a, b string) int {
		return cmp.Or(cmp.Compare(v.Failures[b], v.Failures[a]), cmp.Compare(a, b))
	})
	var parts []string
	others := v.Failed
	for _, r := range reasons[:min(len(reasons), mostReasons)] {
		parts = append(parts, words.English.Failure(r)+" "+words.Number(v.Failures[r]))
		others -= v.Failures[r]
	}
	if others > 0 && len(parts) > 0 {
		parts = append(parts, "others "+words.Number(others))
	}
	return words.Number(v.Failed) + words.If(len(parts) > 0, ": "+strings.Join(parts, "; "))
}

const mostReasons = 3

// dsnText is how many DSNs went out about the account's mail; "": none.
func dsnText(v *api.Usage) string {
	switch {
	case v.Withheld > 0:
		return fmt.Sprintf("%s sent; %s not, over notices_per_hour", words.Number(v.DSNs), words.Number(v.Withheld))
	case v.DSNs > 0:
		return words.Number(v.DSNs) + " sent"
	}
	return ""
}

// creditText is the credit that is left beside the allowance, and how much of it the
// period used; "": there is none.
func creditText(v *api.Usage) string {
	if v.Beyond == nil || v.Beyond.Credit == 0 && v.Beyond.Drawn == 0 {
		return ""
	}
	text := words.Units(v.Beyond.Credit, v.Beyond.Unit) + " left"
	if v.Beyond.Drawn > 0 {
		text += ", used in this period " + words.Units(v.Beyond.Drawn, v.Beyond.Unit)
	}
	return text
}

// overageText is what neither allowance nor credit covers; "": there is none.
func overageText(v *api.Usage) string {
	if v.Beyond == nil || v.Beyond.Overage == 0 {
		return ""
	}
	if v.Beyond.Free {
		return words.Units(v.Beyond.Overage, v.Beyond.Unit) + ", not billed"
	}
	return words.Units(v.Beyond.Overage, v.Beyond.Unit) + ", to be settled when the period ends"
}

func limitText(n *int64, format func(int64) string) string {
	if n == nil {
		return "any"
	}
	return format(*n)
}
