package cli

import (
	"context"
	"fmt"

	cli "github.com/urfave/cli/v2"

	"relay/cli/config"
	"relay/cli/control"
	"relay/cli/exit"
	"relay/cli/term"
)

// reloadView is what a reload came to, as programs see it.
type reloadView struct {
	Config  string          `json:"config"` // the file; "": there is none, the defaults hold
	Changes []config.Change `json:"changes"`
}

func (p *program) reloadCommand() *cli.Command {
	c := &cli.Command{
		Name: "reload", Usage: "have the running relay read its configuration again",
		Description: `It is checked first: a configuration that is not right changes nothing, is told with its lines, and gives exit code 78. Then each changed key is shown with its old and its new value: those that are in force from now on, and those that need a restart (hostname, timezone, data_dir, listen, api, and of delivery all but its waits and limits). The files of the TLS certificate are read again too.

Open connections keep the limits they began with, and mail under way is not disturbed. SIGHUP does the same, and tells it in the log.`,
	}
	c.HideHelp = true
	c.Action = func(cc *cli.Context) error {
		if p.inner != nil {
			return p.reloadHere()
		}
		return p.askRelay(cc.Context)
	}
	return c
}

// reloadHere is what the running relay does with the command.
func (p *program) reloadHere() error {
	list, err := p.inner.reload()
	if err != nil {
		return err
	}
	v := reloadView{p.inner.config().File(), list}
	if p.json {
		return term.Encode(p.Stdout, v)
	}
	return p.showReload(&v)
}

// askRelay has the running relay run the command, which has no sense without one.
func (p *program) askRelay(ctx context.Context) error {
	return p.onRunning(func(client *control.Client) error {
		code, err := client.Run(ctx, p.request(), nil, p.Stdout, p.Stderr)
		if err == nil && code != exit.Done {
			err = exit.Code(code)
		}
		return err
	})
}

func (p *program) showReload(v *reloadView) error {
	text := reloadSummary(v.Changes) + ", from " + orElse(v.Config, "no file: the defaults")
	for _, l := range term.Wrap(text, term.Columns) {
		if _, err := fmt.Fprintln(p.Stdout, l); err != nil {
			return err
		}
	}
	var now, later []term.Field
	for _, c := range v.Changes {
		f := term.Field{"  " + c.Key, orElse(c.Old, "none") + " → " + orElse(c.New, "none")}
		if c.Restart {
			later = append(later, f)
		} else {
			now = append(now, f)
		}
	}
	if err := p.section("in force now:", now); err != nil {
		return err
	}
	return p.section("after a restart:", later)
}

func (p *program) section(head string, fields []term.Field) error {
	if fields == nil {
		return nil
	}
	if _, err := fmt.Fprintln(p.Stdout, head); err != nil {
		return err
	}
	return term.WriteFields(p.Stdout, fields)
}
