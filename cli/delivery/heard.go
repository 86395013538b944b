package delivery

import (
	"context"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/act"
	api "relay/report/api/delivery"
	"relay/report/words"
)

func unclassified(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{
		Name: "unclassified", Usage: "replies that no rule knew, the most frequent first",
		Description: `Replies of the last month, grouped by their text: what differs in addresses, IDs and numbers only is one, with a * in its place. COUNT is the number of recipients. A rule of your own tells what such a reply means: see [delivery] rules and relay delivery replay.`,
	}, func(ctx context.Context, _ []string) error {
		list, err := api.ListUnclassified.Call(ctx, e.Service, &act.None{})
		if err != nil {
			return err
		}
		if e.JSON {
			return term.EncodeAll(e.Stdout, *list)
		}
		if len(*list) == 0 {
			return e.Say("every reply of the last month was known")
		}
		t := term.NewTable(term.Column{Head: "COUNT", Right: true}, term.Column{Head: "LAST"}, term.Column{Head: "STAGE"},
			term.Column{Head: "MX", Least: 16}, term.Column{Head: "REPLY", Least: 30})
		for _, u := range *list {
			mx := words.Clean(u.MX[0])
			if u.Hosts > 1 {
				mx += " and " + words.Number(int64(u.Hosts-1)) + " more"
			}
			t.Add(words.Number(u.Count), words.Stamp(u.Last, e.Zone()), strings.Join(u.Stages, " "), mx, words.Clean(u.Reply))
		}
		return t.Print(e.Stdout)
	})
}

func replay(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{
		Name: "replay", ArgsUsage: "FILE", Usage: "what another file of rules would change",
		Description: `Judges the replies of late by the rules in force, and by those of FILE in place of the file that [delivery] rules names, and shows where the verdicts differ. Nothing is loaded: relay reload does that. FILE - is standard input.

Of replies that differ in addresses, IDs and numbers only one is kept; 10,000 in all.`,
	}, func(ctx context.Context, args []string) error {
		in := &api.RulesFile{}
		in.Body.Name = args[0]
		text, err := e.ReadDocument(args[0], api.MostOctets, "see that the name is right, and that the file is there")
		if err != nil {
			return err
		}
		in.Body.Document = text
		out, err := api.TryRules.Call(ctx, e.Service, in)
		if err != nil {
			return err
		}
		if e.JSON {
			return term.EncodeAll(e.Stdout, out.Changed)
		}
		return showReplay(e, out)
	})
}

func showReplay(e *shell.Env, r *api.Replay) error {
	for i := range r.Changed {
		c := &r.Changed[i]
		if err := e.Say("%s at %s, %s\n  %s\n  now:  %s\n  then: %s", words.Clean(c.MX), c.Stage, words.Plural(c.Count, "recipient"),
			strings.Join(term.Wrap(words.Clean(c.Reply), term.Columns-2), "\n  "), judgement(&c.Before), judgement(&c.After)); err != nil {
			return err
		}
	}
	return e.Say("of %s %s would be judged otherwise", kinds(r.Tried), words.Number(int64(len(r.Changed))))
}

// judgement writes a verdict on one line.
func judgement(j *api.Judgement) string {
	text := j.Class + ", " + j.Category + ", blame: " + j.Blame
	if j.Rule == "" {
		return text + ", no rule"
	}
	return text + ", rule " + j.Rule
}

func kinds(n int) string {
	if n == 1 {
		return "1 kind of reply"
	}
	return words.Number(int64(n)) + " kinds of replies"
}
