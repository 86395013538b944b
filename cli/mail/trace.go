package mail

import (
	"context"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/act"
	"relay/report/api/field"
	api "relay/report/api/mail"
	"relay/report/words"
	"relay/store/spooled"
)

// TraceCommand is relay trace.
func TraceCommand(e *shell.Env) *cli.Command {
	var since *time.Duration
	var limit *int64
	follow, smtp := false, false
	var q api.Traced
	return shell.Command(&cli.Command{
		Name: "trace", ArgsUsage: "[WHAT]", Usage: "the history of messages",
		Description: `WHAT is the ID of a message, an address that mail came from or went to, @domain, or a Message-ID in <>. --account chooses mail of one account, with or without WHAT. The trace outlives the message (30 days; trace_keep in the configuration). The newest messages come first, except for an ID.

remote id is the next hop's own ID of the message, by which its operator can find it.

--follow shows events as they happen, one line each, until Ctrl-C; a terminal gets lines cut to its width, a file or a pipe whole ones. With the ID of a message it shows the history so far and ends with the message; otherwise it shows everything from now on, or what WHAT and --account choose. It needs a running relay. With --json it writes an object a line, without --follow an array.

--smtp, with the ID of a message, shows what was said in its last three attempts that did not reach all recipients, host by host: C: is relay, S: the next hop. The content is only counted, and logins are struck out.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "account", Usage: "`NAME` only mail of this account", Destination: &q.Account},
			&cli.BoolFlag{Name: "follow", Usage: "show events as they happen", Destination: &follow},
			&cli.BoolFlag{Name: "smtp", Usage: "show what was said in the last attempts that failed", Destination: &smtp},
			shell.DurationFlag("since", "`TIME` how far to look back (default 7d)", &since),
			shell.CountFlag("limit", "`N` at most this many messages, or unlimited (default 20)", &limit),
		},
	}, func(ctx context.Context, args []string) error {
		if len(args) > 0 {
			q.What = args[0]
		}
		switch {
		case smtp && (follow || since != nil || limit != nil):
			return exit.Usage("", "--smtp goes with the ID of a message alone")
		case smtp:
			return traceSMTP(ctx, e, &q)
		case follow && (since != nil || limit != nil):
			return exit.Usage("", "--since and --limit look back, --follow does not")
		case follow:
			return followTrace(ctx, e, &q)
		case q.What == "" && q.Account == "":
			return exit.Usage("relay trace --help", "relay trace needs an ID, an address or --account NAME; --follow alone shows everything")
		}
		return traceBack(ctx, e, &q, field.Or(since, 7*24*time.Hour), field.Or(limit, 20))
	})
}

// ofOne reports whether the trace of one message is asked for, by its ID.
func ofOne(q *api.Traced) bool {
	_, err := spooled.ParseID(strings.ToUpper(q.What))
	return err == nil
}

// traceBack shows the whole life of each message that is asked for, at most limit of
// them; 0: all.
func traceBack(ctx context.Context, e *shell.Env, q *api.Traced, since time.Duration, limit int64) error {
	in := &api.Trace{Traced: *q, Since: since.String()}
	v := traceView{e}
	a := term.NewArray(e.Stdout)
	found := int64(0)
	err := api.ListTrace.Each(ctx, e.Service, in, limit, func(l *api.Life) error {
		if found++; !e.JSON {
			return v.life(l.Events, found > 1)
		}
		for i := range l.Events {
			if err := a.Add(&l.Events[i]); err != nil {
				return err
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case e.JSON:
		return a.End()
	case found == limit && !ofOne(q):
		e.Note("there may be more: --limit %d is reached", limit)
	case found == 0:
		return e.Say("nothing since %s", words.Stamp(e.Now().Add(-since), e.Zone()))
	}
	return nil
}

// followTrace shows what is asked for as it happens. Of one message it shows the past too.
func followTrace(ctx context.Context, e *shell.Env, q *api.Traced) error {
	events, err := api.FollowTrace.Open(ctx, e.Service, &api.Follow{Traced: *q})
	if err != nil {
		return err
	}
	v := traceView{e}
	if !ofOne(q) {
		e.Note("following; Ctrl-C ends it")
	}
	return events.Each(func(l *api.Live) error {
		switch {
		case e.JSON:
			return act.Encode(e.Stdout, l)
		case l.Event == nil:
			return v.missed(l.Missed)
		}
		return v.line(l.Event)
	})
}
