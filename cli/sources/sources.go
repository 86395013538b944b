// Package sources has the command source: the addresses that mail leaves from, and the
// servers that stand in for them.
package sources

import (
	"context"
	"fmt"
	"os"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/finding"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/act"
	api "relay/report/api/sources"
	"relay/report/words"
)

// Command is relay source.
func Command(e *shell.Env) *cli.Command {
	return shell.Group("source", "addresses that mail leaves from", list(e), drain(e), resume(e), check(e))
}

func list(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{
		Name: "list", Usage: "sources, how they stand and what they send",
		Description: `A line for each [[source]] of the configuration: its state, messages since midnight UTC, its warm-up, and the blocklists that list it. Without any [[source]] there is one, named system: the system chooses its address.

The warm-up shows the provider where it is furthest behind: messages today, the ceiling of the day, and how many days there was mail. --json has all providers.

States: active; standby, which takes mail while no other of its pool is in good standing; waiting, whose first day is yet to come; drained by you; listed on a blocklist, so that others take its mail; gone, because the machine lacks its address.`,
	}, func(ctx context.Context, _ []string) error {
		all, err := api.List.Call(ctx, e.Service, &act.None{})
		if err != nil {
			return err
		}
		if e.JSON {
			return term.EncodeAll(e.Stdout, *all)
		}
		return e.Say("%s", strings.TrimSuffix(table(*all, term.Width(e.Stdout)), "\n"))
	})
}

func table(all []api.Source, width int) string {
	tab := term.NewTable(term.Column{Head: "SOURCE", Least: 12}, term.Column{Head: "EHLO", Least: 12}, term.Column{Head: "POOL"}, term.Column{Head: "STATE"},
		term.Column{Head: "TODAY", Right: true}, term.Column{Head: "WARM-UP"})
	for i := range all {
		s := &all[i]
		today := ""
		if s.Today != nil {
			today = words.Number(int64(*s.Today))
		}
		pool := s.Pool
		if pool == "" {
			pool = "-"
		}
		tab.Add(s.Source, s.EHLO, pool, s.State, today, warmUp(s))
	}
	return tab.Text(width, func(i int) []string { return remarks(&all[i]) })
}

// warmUp is where the warm-up is furthest behind.
func warmUp(s *api.Source) string {
	least, text := 0, ""
	for _, p := range s.Providers {
		if p.Ceiling != nil && (text == "" || *p.Ceiling < least) {
			least = *p.Ceiling
			text = fmt.Sprintf("%s: %d of %d, day %d", p.Provider, p.Today, *p.Ceiling, p.Day)
		}
	}
	if text == "" && s.WarmUp > 0 {
		return fmt.Sprintf("from %d a day", s.WarmUp)
	}
	return text
}

func remarks(s *api.Source) (lines []string) {
	if d := s.Drained; d != nil {
		line := "drained by " + words.Actor(d.By)
		if d.Reason != "" {
			line += ": " + words.Clean(d.Reason)
		}
		lines = append(lines, line)
	}
	for _, l := range s.Listed {
		line := "on " + l.List + " since " + l.Since.Format("2006-01-02")
		if l.Text != "" {
			line += ": " + words.Clean(l.Text)
		}
		lines = append(lines, line)
	}
	if s.Culprit != "" {
		lines = append(lines, "mail of "+s.Culprit+" stays here: it is blamed most")
	}
	return lines
}

func drain(e *shell.Env) *cli.Command {
	in := &api.DrainOrder{}
	return shell.Command(&cli.Command{
		Name: "drain", ArgsUsage: "SOURCE", Usage: "give a source no more mail; others take what waits",
		Flags: []cli.Flag{&cli.StringFlag{Name: "reason", Usage: "`TEXT` that source list shows", Destination: &in.Body.Reason}},
		Description: `Messages under way end; what waits leaves by the other sources of its pool. Where there is none, it waits: that is no attempt, and does not age it. The drain holds over restarts, until relay source resume.

  relay source drain 192.0.2.25 --reason "moved to another rack"`,
	}, func(ctx context.Context, args []string) error {
		in.Source = args[0]
		return shell.Show(ctx, e, api.Drain, in, func(e *shell.Env, v *api.Source) error {
			return e.Say("%s gets no more mail", v.Source)
		})
	})
}

func resume(e *shell.Env) *cli.Command {
	in := &api.Named{}
	return shell.Command(&cli.Command{
		Name: "resume", ArgsUsage: "SOURCE", Usage: "give a drained source mail again",
	}, func(ctx context.Context, args []string) error {
		in.Source = args[0]
		return shell.Show(ctx, e, api.Resume, in, func(e *shell.Env, v *api.Source) error {
			return e.Say("%s is %s", v.Source, v.State)
		})
	})
}

func check(e *shell.Env) *cli.Command {
	in := &api.Named{}
	return shell.Command(&cli.Command{
		Name: "check", ArgsUsage: "SOURCE", Usage: "look at a source as receivers do, and say what to do",
		Description: `Looks whether this machine can send from the address, whether its name (PTR) leads back to it, whether its EHLO name does, whether the SPF record of that name lets it send, and which blocklists list it. Exit code 1 when one of them failed: some receivers refuse its mail.`,
	}, func(ctx context.Context, args []string) error {
		in.Source = args[0]
		v, err := api.Check.Call(ctx, e.Service, in)
		if err != nil {
			return err
		}
		found := findings(v)
		return finding.Answer(e, v, found, func() error { return show(e, v, found) })
	})
}

// findings are those of a check, as a terminal shows them.
func findings(v *api.Checked) []finding.Finding {
	list := make([]finding.Finding, len(v.Findings))
	for i, f := range v.Findings {
		list[i] = finding.Finding{Check: f.Check, Status: finding.Status(f.Status), Detail: f.Detail, Advice: f.Advice}
	}
	return list
}

func show(e *shell.Env, v *api.Checked, found []finding.Finding) error {
	const width = len("blocklists")
	if err := e.Say("%s: %s", v.Source.Source, v.Source.State); err != nil {
		return err
	}
	return finding.WriteAll(e.Stdout, found, width, term.Coloured(e.Stdout, os.Getenv))
}
