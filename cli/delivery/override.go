package delivery

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/act"
	api "relay/report/api/delivery"
	"relay/report/words"
)

func override(e *shell.Env) *cli.Command {
	return shell.GroupOr("override", "slow, stop or bounce mail for a time, by your own word", "add", overrideAdd(e), overrideList(e), overrideCancel(e))
}

func overrideAdd(e *shell.Env) *cli.Command {
	in := &api.NewOverride{}
	b := &in.Body
	var lasts *time.Duration
	var slow *int64
	var stop, bounce bool
	return shell.Command(&cli.Command{
		Name: "add", ArgsUsage: "TARGET", Usage: "slow, stop, bounce or redirect mail of a site, an account or a domain for a time",
		Description: `TARGET is an account of that name, else a site as relay delivery sites shows it, else a domain; --kind says which one is meant. The word add may be left out.

--slow lets N messages a minute through, at each site. --stop has mail wait: it is not tried and does not age. --bounce fails mail when it is due, with a DSN to its sender that names the reason; relay queue retry --domain DOMAIN makes mail due that waits for its next try. --source sends an account's or a site's mail from another source.

An override survives a restart and ends by itself. Another one that does the same to the same target replaces it.

  relay delivery override example.net --stop --reason "moves" --for 2h
  relay delivery override acme --slow 10 --reason "new list" --for 3d`,
		Flags: []cli.Flag{
			shell.CountFlag("slow", "`N` messages a minute", &slow),
			&cli.BoolFlag{Name: "stop", Usage: "mail waits", Destination: &stop},
			&cli.BoolFlag{Name: "bounce", Usage: "mail fails", Destination: &bounce},
			&cli.StringFlag{Name: "source", Usage: "`SOURCE` mail leaves by it: its address, or the server that it goes through", Destination: &b.Source},
			&cli.StringFlag{Name: "reason", Usage: "`TEXT` why; senders of mail that is bounced read it", Required: true, Destination: &b.Reason},
			shell.Needed(shell.ParsedFlag("for", "`TIME` how long: 30m, 2h, 3d; 30d at most", words.ParseDuration, &lasts)),
			&cli.StringFlag{Name: "kind", Usage: "`site|account|domain` what it is for", Destination: &b.Kind},
		},
	}, func(ctx context.Context, args []string) error {
		b.Target, b.Seconds = args[0], int64(*lasts/time.Second)
		if *lasts > api.LongestOverride {
			return exit.Usage("an override ends by itself; give it again if it is still needed then", "--for: 30 days at most")
		}
		if err := whatToDo(b.Source != "", slow, stop, bounce, in); err != nil {
			return err
		}
		o, err := api.AddOverride.Call(ctx, e.Service, in)
		if err != nil {
			return err
		}
		if e.JSON {
			return term.Encode(e.Stdout, o)
		}
		text := fmt.Sprintf("%d: %s, until %s", o.Number, overrideText(o, "is"), words.Stamp(o.Until, e.Zone()))
		return e.Say("%s", strings.Join(term.Wrap(text, term.Columns), "\n"))
	})
}

// whatToDo reads the one flag that says what the override does.
func whatToDo(source bool, slow *int64, stop, bounce bool, in *api.NewOverride) error {
	n := 0
	for _, x := range []struct {
		given bool
		do    string
	}{{slow != nil, "slow"}, {stop, "stop"}, {bounce, "bounce"}, {source, "source"}} {
		if x.given {
			in.Body.Do = x.do
			n++
		}
	}
	if n != 1 {
		return exit.Usage("relay delivery override add --help", "one of --slow, --stop, --bounce and --source")
	}
	if slow != nil {
		if in.Body.Rate = int(*slow); *slow < 1 {
			return exit.Usage("use --stop to let none through", "--slow: messages a minute, from 1")
		}
	}
	return nil
}

// overrideText says what an override does, and to what; is may be "is no longer" too.
func overrideText(o *act.Override, is string) string {
	what := map[string]string{"stop": "stopped", "bounce": "bounced"}[o.Do]
	switch o.Do {
	case "slow":
		what = "slowed to " + words.Plural(int64(o.Rate), "message") + " a minute"
	case "source":
		what = "sent from " + o.Source
	}
	return fmt.Sprintf("mail of %s %s %s %s", o.Kind, o.Target, is, what)
}

func overrideList(e *shell.Env) *cli.Command {
	in := &api.Overrides{}
	return shell.Command(&cli.Command{
		Name: "list", Usage: "overrides in force",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "ended", Usage: "also those of the last week that have ended", Destination: &in.Ended}},
	}, func(ctx context.Context, _ []string) error {
		list, err := api.ListOverrides.Call(ctx, e.Service, in)
		if err != nil {
			return err
		}
		if e.JSON {
			return term.EncodeAll(e.Stdout, *list)
		}
		if len(*list) == 0 {
			return e.Say("No override is in force")
		}
		for i := range *list {
			o := &(*list)[i]
			end := "until " + words.Stamp(o.Until, e.Zone())
			if !o.Until.After(e.Now()) {
				end = "ended " + words.Stamp(o.Until, e.Zone())
			}
			what := term.Wrap(overrideText(o, "is")+", "+end, term.Columns-len("100 "))
			why := term.Wrap(fmt.Sprintf("%s (%s, %s)", words.Clean(o.Reason), words.Actor(o.By), words.Stamp(o.Since, e.Zone())), term.Columns-len("      "))
			if err := e.Say("%-3d %s\n      %s", o.Number, strings.Join(what, "\n    "), strings.Join(why, "\n      ")); err != nil {
				return err
			}
		}
		return nil
	})
}

func overrideCancel(e *shell.Env) *cli.Command {
	return shell.Command(&cli.Command{
		Name: "cancel", ArgsUsage: "OVERRIDE", Usage: "end an override",
		Description: "OVERRIDE is its number in relay delivery override list. Mail that was stopped is tried at once.",
	}, func(ctx context.Context, args []string) error {
		n, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil {
			return exit.Usage("relay delivery override list shows the numbers", "%q is no number", args[0])
		}
		o, err := api.CancelOverride.Call(ctx, e.Service, &api.OverrideName{Number: n})
		if err != nil {
			return err
		}
		if e.JSON {
			return term.Encode(e.Stdout, o)
		}
		return e.Say("override %d has ended: %s", o.Number, overrideText(o, "is no longer"))
	})
}
