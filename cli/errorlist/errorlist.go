// Package errorlist has the command errors: the recipients that an account's mail was given
// up for or came back from, and those that complained. It only reads.
package errorlist

import (
	"context"
	"encoding/csv"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	api "relay/report/api/errorlist"
	"relay/report/api/field"
	"relay/report/words"
	"relay/store/refusals"
)

// listing is one errors command.
type listing struct {
	e         *shell.Env
	in        api.Listed
	csv       bool
	addresses bool
	all       bool
	limit     *int64
}

// Command is relay errors.
func Command(e *shell.Env) *cli.Command {
	l := &listing{e: e}
	return shell.Command(&cli.Command{
		Name: "errors", ArgsUsage: "NAME", Usage: "recipients that an account's mail was given up for or came back from, and who complained",
		Description: `Each recipient is listed once, the last to be refused first, with the last reason in short, the day, how many e-mails were given up, and what to do: remove (take it off your list: mail to it does not arrive), watch (it may pass), or not yours (the recipient is not to blame: it is about the message, its sender's domain, or the operator's task). A recipient that has got mail since is no longer to be removed. VIA is how relay knows: the reply of the next hop (smtp), mail that came back after it was delivered (bounce), or a recipient who reported it as spam (complaint). An entry is kept for 400 days after the last refusal.

--csv and --json have all columns, among them the category that the reason stands for, the reply and the Message-ID of the message that met it. --addresses prints one address a line, only those to be removed; with --all, or with --advice, others too.

  relay errors acme --since 2026-11-01
  relay errors acme --csv >errors.csv
  relay errors acme --addresses >remove.txt`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "since", Usage: "`DAY` only those that were refused from then on: 2026-11-01, or 7d for the last seven days", Destination: &l.in.Since},
			&cli.StringFlag{Name: "advice", Usage: "`ADVICE` only these: " + strings.Join(refusals.Advices, ", "), Destination: &l.in.Advice},
			&cli.BoolFlag{Name: "csv", Usage: "all columns as CSV", Destination: &l.csv},
			&cli.BoolFlag{Name: "addresses", Usage: "one address a line: those to be removed", Destination: &l.addresses},
			&cli.BoolFlag{Name: "all", Usage: "with --addresses: whatever the advice", Destination: &l.all},
			shell.CountFlag("limit", "`N` at most this many, or unlimited (default unlimited)", &l.limit),
		},
	}, l.run)
}

func (l *listing) run(ctx context.Context, args []string) error {
	l.in.Account = args[0]
	switch {
	case l.csv && l.addresses:
		return exit.Usage("choose one of them", "--csv and --addresses are two forms of the list")
	case l.e.JSON && (l.csv || l.addresses):
		return exit.Usage("relay errors "+l.in.Account+" --json has all columns", "--json is a form of its own beside --csv and --addresses")
	case l.all && (!l.addresses || l.in.Advice != ""):
		return exit.Usage("leave out --all: a list has all unless --advice says otherwise", "--all is for --addresses without --advice")
	case l.csv:
		return l.writeCSV(ctx)
	case l.addresses:
		return l.writeAddresses(ctx)
	}
	return l.table(ctx)
}

func (l *listing) table(ctx context.Context) error {
	return shell.List(ctx, l.e, api.List, &l.in, shell.Rows[api.Refused]{
		Columns: []term.Column{{Head: "RECIPIENT", Least: 16}, {Head: "WHY"}, {Head: "LAST"}, {Head: "COUNT", Right: true}, {Head: "VIA"}, {Head: "ADVICE"}},
		Cells: func(r *api.Refused) []string {
			return []string{words.Clean(r.Recipient), words.Reason(r.Category), words.Day(r.Last, l.e.Zone()), words.Number(r.Count), r.Source, strings.ReplaceAll(r.Advice, "-", " ")}
		},
		Limit: field.Or0(l.limit),
		Empty: "no mail was given up, and none came back",
	})
}

func (l *listing) writeCSV(ctx context.Context) error {
	w := csv.NewWriter(l.e.Stdout)
	if err := w.Write(api.Table.Head); err != nil {
		return err
	}
	err := api.List.Each(ctx, l.e.Service, &l.in, field.Or0(l.limit), func(r *api.Refused) error { return w.Write(api.Table.Cells(r)) })
	w.Flush()
	if err == nil {
		err = w.Error()
	}
	return err
}

// writeAddresses prints what is to be removed, unless something else is asked for.
func (l *listing) writeAddresses(ctx context.Context) error {
	removals := l.in.Advice == "" && !l.all
	if removals {
		l.in.Advice = refusals.AdviceRemove
	}
	n := 0
	err := api.List.Each(ctx, l.e.Service, &l.in, field.Or0(l.limit), func(r *api.Refused) error {
		n++
		return l.e.Say("%s", r.Recipient)
	})
	if err == nil && n == 0 && removals {
		l.e.Note("no address is to be removed; --all prints every address of the list")
	}
	return err
}
