package suppressions

import (
	"context"
	"encoding/csv"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	api "relay/report/api/suppressions"
	"relay/report/words"
)

func importList(e *shell.Env) *cli.Command {
	in := &api.SuppressionDocument{}
	return shell.Command(&cli.Command{
		Name: "import", ArgsUsage: "NAME FILE", Usage: "suppress the recipients of a list",
		Description: `FILE has one address a line (empty lines and those that begin with # are passed over), or is CSV as relay suppression export writes it: the first line names the columns, of which recipient, or email, must be there; reason, reply, since and expires may be. FILE - is standard input.

A list with a fault changes nothing, and each fault is told with its line. Recipients that are suppressed already stay as they are, so a list can be imported again.

  relay suppression import acme unsubscribed.txt`,
		Flags: []cli.Flag{
			shell.SpanFlag("for", "`TIME` how long, such as 30d, where a line does not say (default until it is lifted)", &in.Body.For),
			shell.DryRunFlag(&in.Body.DryRun),
		},
	}, func(ctx context.Context, args []string) error {
		text, err := e.ReadDocument(args[1], api.MostOctets, "see that the name is right, and that the file is there")
		if err != nil {
			return err
		}
		in.Account, in.Body.Document = args[0], text
		return shell.Show(ctx, e, api.Import, in, showAdded)
	})
}

func export(e *shell.Env) *cli.Command {
	in := &api.Listed{}
	bare := false
	return shell.Command(&cli.Command{
		Name: "export", ArgsUsage: "NAME", Usage: "write the suppressed recipients of an account as CSV",
		Description: `relay suppression import reads it again. What a spreadsheet would take for a formula, at the beginning of a cell or behind a semicolon in it, has an apostrophe before it. --addresses writes addresses alone, to take them off a list.

  relay suppression export acme --addresses >remove.txt`,
		Flags: append(filterFlags(&in.SuppressionFilter), &cli.BoolFlag{Name: "addresses", Usage: "one address a line", Destination: &bare}),
	}, func(ctx context.Context, args []string) error {
		if in.Account = args[0]; e.JSON {
			return exit.Usage("relay suppression list --json has the same", "relay suppression export writes CSV")
		}
		w := csv.NewWriter(e.Stdout)
		if !bare {
			if err := w.Write([]string{"recipient", "reason", "reply", "since", "expires"}); err != nil {
				return err
			}
		}
		err := api.List.Each(ctx, e.Service, in, 0, func(s *api.Suppression) error {
			if bare {
				return e.Say("%s", s.Recipient)
			}
			return w.Write(cells(s))
		})
		w.Flush()
		if err == nil {
			err = w.Error()
		}
		return err
	})
}

func cells(s *api.Suppression) []string {
	expires := ""
	if s.Expires != nil {
		expires = s.Expires.UTC().Format(time.RFC3339)
	}
	return []string{words.Guarded(s.Recipient), s.Reason, words.Guarded(s.Reply), s.Since.UTC().Format(time.RFC3339), expires}
}
