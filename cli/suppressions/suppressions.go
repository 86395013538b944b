// Package suppressions has the command suppression: the recipients that an account's mail is
// not tried for.
package suppressions

import (
	"context"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/field"
	api "relay/report/api/suppressions"
	"relay/report/words"
)

// Command is relay suppression.
func Command(e *shell.Env) *cli.Command {
	return shell.Group("suppression", "recipients that an account's mail is not tried for", list(e), add(e), lift(e), importList(e), export(e))
}

// filterFlags choose suppressions.
func filterFlags(f *api.SuppressionFilter) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "reason", Usage: "`REASON` only these: InvalidRecipient, InactiveMailbox, BadDomain, QuotaIssues, Complaint, Manual", Destination: &f.Reason},
		&cli.StringFlag{Name: "domain", Usage: "`DOMAIN` only recipients there", Destination: &f.Domain},
		shell.SpanFlag("since", "`TIME` only those of this time until now: 90m, 4h, 2d", &f.Since),
	}
}

func list(e *shell.Env) *cli.Command {
	in := &api.Listed{}
	var limit *int64
	return shell.Command(&cli.Command{
		Name: "list", ArgsUsage: "NAME", Usage: "the suppressed recipients of an account",
		Description: `Mail to these is accepted and charged, but not tried: it counts as failed, and its sender gets a DSN that says why. A recipient that the next hop does not know is suppressed at once, one whose mailbox is full after some messages in a week; the guide has the whole table. REPLY is what the next hop said, or a note.

  relay suppression list acme --reason QuotaIssues`,
		Flags: append(filterFlags(&in.SuppressionFilter), shell.CountFlag("limit", "`N` at most this many, or unlimited (default unlimited)", &limit)),
	}, func(ctx context.Context, args []string) error {
		in.Account = args[0]
		return shell.List(ctx, e, api.List, in, shell.Rows[api.Suppression]{
			Columns: []term.Column{{Head: "RECIPIENT", Least: 16}, {Head: "REASON"}, {Head: "SINCE"}, {Head: "EXPIRES"}, {Head: "REPLY", Least: 8, First: true}},
			Cells: func(s *api.Suppression) []string {
				expires := "never"
				if s.Expires != nil {
					expires = words.Day(*s.Expires, e.Zone())
				}
				return []string{s.Recipient, s.Reason, words.Day(s.Since, e.Zone()), expires, words.Clean(s.Reply)}
			},
			Limit: field.Or0(limit),
			Empty: "no recipient is suppressed",
		})
	})
}

func add(e *shell.Env) *cli.Command {
	in := &api.NewSuppressions{}
	return shell.Command(&cli.Command{
		Name: "add", ArgsUsage: "NAME ADDRESS...", Usage: "stop trying mail of an account to recipients",
		Description: `A suppression lasts as long as --for says, or until it is lifted. Those that are suppressed already stay as they are. Mail that is being delivered is not stopped.

  relay suppression add acme jo@example.net --note "asked by telephone"`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "note", Usage: "`TEXT` why", Destination: &in.Body.Note},
			shell.SpanFlag("for", "`TIME` how long, such as 30d (default until it is lifted)", &in.Body.For),
		},
	}, func(ctx context.Context, args []string) error {
		in.Account, in.Body.Recipients = args[0], args[1:]
		return shell.Show(ctx, e, api.Add, in, showAdded)
	})
}

func showAdded(e *shell.Env, v *api.AddedSuppressions) error {
	text := words.Plural(int64(v.Added), "recipient") + " suppressed for " + v.Account
	if v.DryRun {
		text = words.Plural(int64(v.Added), "recipient") + " would be suppressed for " + v.Account
	}
	if v.Known > 0 {
		text += ", " + words.Number(int64(v.Known)) + " suppressed already"
	}
	if v.Ended > 0 {
		text += ", " + words.Number(int64(v.Ended)) + " left out because their time is over"
	}
	return e.Say("%s", text)
}

func lift(e *shell.Env) *cli.Command {
	l := &lifting{e: e}
	return shell.Command(&cli.Command{
		Name: "lift", ArgsUsage: "NAME [ADDRESS...]", Usage: "try mail of an account to recipients again",
		Description: `Name recipients, or choose them by filters, which must all match, or take --all. Mail that was given up meanwhile does not come back; a recipient that is refused again is suppressed again.

After a bad hour of a provider that denied all its users:

  relay suppression lift acme --domain example.net --since 2h --dry-run`,
		Flags: append(filterFlags(&l.filter), &cli.BoolFlag{Name: "all", Usage: "every suppressed recipient of the account", Destination: &l.all}, shell.DryRunFlag(&l.dryRun)),
	}, l.run)
}

// lifting is a lift under way, a batch at a time.
type lifting struct {
	e           *shell.Env
	filter      api.SuppressionFilter
	all, dryRun bool

	account string
	sum     api.LiftedBatch
}

func (l *lifting) run(ctx context.Context, args []string) error {
	l.account, l.sum = args[0], api.LiftedBatch{Account: args[0], Missing: []string{}}
	chosen := l.all || l.filter != (api.SuppressionFilter{})
	if chosen == (len(args) > 1) {
		return exit.Usage("name addresses, use a filter such as --domain DOMAIN, or --all", "relay suppression lift: which recipients?")
	}
	var err error
	if chosen {
		err = l.byFilter(ctx)
	} else {
		err = l.named(ctx, args[1:])
	}
	if err != nil {
		if l.sum.Lifted > 0 && !l.dryRun {
			l.e.Note("%s lifted before it came to an end", words.Plural(int64(l.sum.Lifted), "suppression"))
		}
		return err
	}
	return l.report()
}

func (l *lifting) byFilter(ctx context.Context) error {
	in := &api.ToLift{Account: l.account}
	in.Body.Filter, in.Body.All, in.Body.DryRun = &l.filter, l.all, l.dryRun
	for {
		if err := l.call(ctx, in); err != nil || in.Body.Cursor == "" {
			return err
		}
	}
}

// mostNamed is how many addresses one request may name.
const mostNamed = 1000

func (l *lifting) named(ctx context.Context, addresses []string) error {
	for len(addresses) > 0 {
		n := min(len(addresses), mostNamed)
		in := &api.ToLift{Account: l.account}
		in.Body.Recipients, in.Body.DryRun = addresses[:n], l.dryRun
		if err := l.call(ctx, in); err != nil {
			return err
		}
		addresses = addresses[n:]
	}
	return nil
}

func (l *lifting) call(ctx context.Context, in *api.ToLift) error {
	v, err := api.Lift.Call(ctx, l.e.Service, in)
	if err != nil {
		return err
	}
	in.Body.Cursor = v.Next
	l.sum.Lifted += v.Lifted
	l.sum.Missing = append(l.sum.Missing, v.Missing...)
	l.sum.Recipients = append(l.sum.Recipients, v.Recipients...)
	return nil
}

// report shows what was lifted. Exit code 1 when one that was named is not suppressed.
func (l *lifting) report() error {
	if l.e.JSON {
		if err := term.Encode(l.e.Stdout, &l.sum); err != nil {
			return err
		}
	} else if err := l.say(); err != nil {
		return err
	}
	if n := len(l.sum.Missing); n > 0 {
		return exit.Fail(exit.Failed, "relay suppression list "+l.account+" shows all", "not suppressed: %s", strings.Join(l.sum.Missing[:min(n, 10)], ", "))
	}
	return nil
}

func (l *lifting) say() error {
	for _, r := range l.sum.Recipients {
		if err := l.e.Say("%s", words.Clean(r)); err != nil {
			return err
		}
	}
	verb := "lifted"
	if l.dryRun {
		verb = "would be lifted"
	}
	return l.e.Say("%s of %s %s", words.Plural(int64(l.sum.Lifted), "suppression"), l.account, verb)
}
