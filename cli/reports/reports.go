// Package reports has the command report: the mail that relay writes by itself. A file of a
// preview is written whole or not at all.
package reports

import (
	"context"
	"io"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/act"
	api "relay/report/api/reports"
	"relay/report/words"
)

// Command is relay report.
func Command(e *shell.Env) *cli.Command {
	return shell.Group("report", "mail that relay writes to customers and to you", list(e), preview(e), send(e))
}

func list(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{
		Name: "list", Usage: "the kinds of such mail, and who gets them",
		Description: `TOPIC is what accounts choose by (relay account set NAME --notify TOPICS) and what the mail's List-Id names: <usage.reports.HOSTNAME>. CHOICE: yes is sent unless the account chose otherwise, ask only if it asked for it, must whatever it chose. The words stand in a file KIND.txt for each language; [report] templates names a directory with your own.`,
	}, func(ctx context.Context, _ []string) error {
		all, err := api.List.Call(ctx, e.Service, &act.None{})
		if err != nil {
			return err
		}
		if e.JSON {
			return term.EncodeAll(e.Stdout, *all)
		}
		tab := term.NewTable(term.Column{Head: "KIND"}, term.Column{Head: "TOPIC"}, term.Column{Head: "CHOICE"}, term.Column{Head: "TO", Wrap: true}, term.Column{Head: "WHEN"})
		for _, k := range *all {
			tab.Add(k.Kind, k.Topic, choice(&k), strings.Join(k.To, ", "), k.When)
		}
		return tab.Print(e.Stdout)
	})
}

// choice that an account has.
func choice(k *api.Kind) string {
	switch {
	case len(k.To) == 1 && k.To[0] == "operator":
		return "-"
	case k.Must:
		return "must"
	case k.Default:
		return "yes"
	}
	return "ask"
}

// look is a preview under way.
type look struct {
	e         *shell.Env
	in        api.Wanted
	html, eml string
	force     bool
}

func preview(e *shell.Env) *cli.Command {
	l := &look{e: e}
	return shell.Command(&cli.Command{
		Name: "preview", ArgsUsage: "KIND [NAME]", Usage: "show a mail as it would be written now",
		Description: `It goes to nobody. With NAME it has that account's facts; what has not happened yet is invented, and a note says so. Without NAME all of it is. Use it to look at your own templates.

  relay report preview usage acme
  relay report preview month acme --language de --html month.html`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "language", Usage: "`LANGUAGE` en, de or it (default the reader's)", Destination: &l.in.Language},
			&cli.StringFlag{Name: "html", Usage: "`FILE` for its HTML, to be opened by a browser", Destination: &l.html},
			&cli.StringFlag{Name: "eml", Usage: "`FILE` for the whole message, to be opened by a mail program", Destination: &l.eml},
			&cli.BoolFlag{Name: "force", Usage: "replace a file that is there", Destination: &l.force},
		},
	}, l.run)
}

func (l *look) run(ctx context.Context, args []string) error {
	l.in.Kind, l.in.Account = args[0], ""
	if len(args) > 1 {
		l.in.Account = args[1]
	}
	if l.e.JSON && l.html+l.eml != "" {
		return exit.Usage("the answer has html and message as members", "--json is a format of its own, on standard output")
	}
	return shell.Show(ctx, l.e, api.Preview, &l.in, func(e *shell.Env, v *api.Shown) error {
		if len(v.Invented) > 0 {
			e.Note("invented for this preview: %s", strings.Join(v.Invented, ", "))
		}
		for _, wrong := range v.Wrong {
			e.Note("relay's own words stand in place of a template of yours: %s", words.Clean(wrong))
		}
		return l.show(ctx, v)
	})
}

// show writes files where there are some to write, else the text.
func (l *look) show(ctx context.Context, v *api.Shown) error {
	for _, f := range []struct{ path, text string }{{l.html, v.HTML}, {l.eml, v.Message}} {
		if f.path == "" {
			continue
		}
		err := l.e.IntoFile(ctx, f.path, l.force, func(w io.Writer) error {
			_, err := io.WriteString(w, f.text)
			return err
		})
		if err != nil {
			return err
		}
	}
	if l.html+l.eml != "" {
		return nil
	}
	to := "nobody: there is no address"
	if len(v.To) > 0 {
		to = strings.Join(v.To, ", ")
	}
	return l.e.Say("To: %s\nSubject: %s\n\n%s", words.Clean(to), v.Subject, strings.TrimSuffix(v.Text, "\n"))
}

func send(e *shell.Env) *cli.Command {
	in := &api.Sending{}
	return shell.Command(&cli.Command{
		Name: "send", ArgsUsage: "KIND NAME", Usage: "send a mail about an account now",
		Description: `It has the facts as they are now and goes to those who get this kind; it is free, and what is told by itself is not changed by it. --to sends it to another address alone, with invented facts where nothing such has happened.

  relay report send usage acme
  relay report send overdue acme --to you@example.org`,
		Flags: []cli.Flag{&cli.StringFlag{Name: "to", Usage: "`ADDRESS` that gets it (default those who get this kind)", Destination: &in.Body.To}},
	}, func(ctx context.Context, args []string) error {
		in.Kind, in.Body.Account = args[0], args[1]
		return shell.Show(ctx, e, api.Send, in, func(e *shell.Env, v *api.Sent) error {
			return e.Say("%s queued to %s: %s", v.Kind, words.Clean(strings.Join(v.To, ", ")), strings.Join(v.IDs, " "))
		})
	})
}
