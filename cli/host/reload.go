package host

import (
	"cmp"
	"context"

	cli "github.com/urfave/cli/v2"

	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/act"
	"relay/report/api/host"
	"relay/report/words"
)

// ReloadCommand is relay reload.
func ReloadCommand(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{
		Name: "reload", Usage: "have the running relay read its configuration again",
		Description: `The configuration is checked first: an invalid one changes nothing, its errors are shown with their lines, and the exit code is 78. Then each changed key is shown with its old and its new value: those that are in force from now on, and those that need a restart (hostname, timezone, data_dir, listen, api, and of delivery all but its waits and limits). The files of the TLS certificate are read again too.

Open connections keep the limits they began with, and mail under way is not disturbed. SIGHUP does the same and logs it.`,
	}, func(ctx context.Context, _ []string) error {
		return shell.Show(ctx, e.OfRunning(), host.Reload, &act.None{}, showReload)
	})
}

// ReloadSummary says in one line what has changed.
func ReloadSummary(list []act.Change) string {
	later := 0
	for _, c := range list {
		if c.Restart {
			later++
		}
	}
	switch {
	case len(list) == 0:
		return "nothing in the configuration has changed"
	case later == 0:
		return words.Plural(int64(len(list)), "change") + " in force"
	}
	return words.Plural(int64(len(list)-later), "change") + " in force, " + words.Plural(int64(later), "change") + " after a restart"
}

func showReload(e *shell.Env, done *act.Reload) error {
	text := ReloadSummary(done.Changes) + ", from " + cmp.Or(done.Config, "no file: the defaults")
	for _, l := range term.Wrap(text, term.Columns) {
		if err := e.Say("%s", l); err != nil {
			return err
		}
	}
	var now, later []term.Field
	for _, c := range done.Changes {
		f := term.Field{"  " + c.Key, cmp.Or(c.Old, "none") + " → " + cmp.Or(c.New, "none")}
		if c.Restart {
			later = append(later, f)
		} else {
			now = append(now, f)
		}
	}
	if err := section(e, "in force now:", now); err != nil {
		return err
	}
	return section(e, "after a restart:", later)
}

func section(e *shell.Env, head string, fields []term.Field) error {
	if fields == nil {
		return nil
	}
	if err := e.Say("%s", head); err != nil {
		return err
	}
	return term.WriteFields(e.Stdout, fields)
}
