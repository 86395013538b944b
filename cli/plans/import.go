package plans

import (
	"cmp"
	"context"
	"fmt"

	cli "github.com/urfave/cli/v2"

	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/plans"
	"relay/report/words"
)

func planImport(e *shell.Env) *cli.Command {
	in := &plans.Document{}
	return shell.Command(&cli.Command{
		Name: "import", ArgsUsage: "FILE", Usage: "add and change plans from TOML",
		Description: `FILE - is standard input. Plans in the file are added, or replace those of the same name; others stay. If anything is wrong, nothing is changed. Running terms never change: accounts keep what they bought.

  relay plan export > plans.toml
  relay plan import plans.toml --dry-run`,
		Flags: []cli.Flag{&cli.BoolFlag{Name: "dry-run", Usage: "show the differences and change nothing", Destination: &in.Body.DryRun}},
	}, func(ctx context.Context, args []string) error {
		text, err := e.ReadDocument(args[0], plans.MostOctets, "relay plan export writes one")
		if err != nil {
			return err
		}
		in.Body.Name, in.Body.Document = args[0], text
		if args[0] == "-" {
			in.Body.Name = "standard input"
		}
		list, err := plans.Import.Call(ctx, e.Service, in)
		if err != nil {
			return err
		}
		if err := showChanges(e, *list, in.Body.DryRun); err != nil {
			return err
		}
		older := &plans.Terms{}
		for _, d := range *list {
			if d.Older != nil {
				older.Accounts, older.AtLeast = older.Accounts+d.Older.Accounts, older.AtLeast || d.Older.AtLeast
			}
		}
		noteOlder(e, older, "what is changed")
		return nil
	})
}

func showChanges(e *shell.Env, changes []plans.Difference, dryRun bool) error {
	if e.JSON {
		return term.EncodeAll(e.Stdout, changes)
	}
	count := map[string]int64{}
	for _, d := range changes {
		count[d.Change]++
		if d.Change == "same" {
			continue
		}
		if err := e.Say("%s %s", d.Change, d.Plan); err != nil {
			return err
		}
		for _, k := range d.Changed {
			line := k.Key + " = " + k.Is
			if d.Change == "changed" {
				line = fmt.Sprintf("%s: %s -> %s", k.Key, cmp.Or(k.Was, "left out"), cmp.Or(k.Is, "left out"))
			}
			for i, l := range term.Wrap(line, term.Columns-4) {
				if err := e.Say("  %s%s", words.If(i > 0, "  "), l); err != nil {
					return err
				}
			}
		}
	}
	what := "%s new, %d changed, %d as they were"
	if dryRun {
		what = "dry run, nothing is changed: %s would be new, %d changed, %d as they were"
	}
	return e.Say(what, words.Plural(count["new"], "plan"), count["changed"], count["same"])
}

// noteOlder says how many accounts run on other terms than a plan has now.
func noteOlder(e *shell.Env, t *plans.Terms, of string) {
	if t != nil && t.Accounts > 0 {
		e.Note("running terms stay as they were bought: %s on older terms of %s", accounts(t), of)
	}
}

// accounts is "at least 3 accounts".
func accounts(t *plans.Terms) string {
	return words.If(t.AtLeast, "at least ") + words.Plural(t.Accounts, "account")
}
