package cli

import (
	"errors"
	"slices"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/store"
)

func (p *program) traceCommand() *cli.Command {
	since := shell.DurationFlag{D: 7 * 24 * time.Hour}
	limit := shell.CountFlag{N: 20}
	follow := false
	var q tracing
	return p.onStore(&cli.Command{
		Name: "trace", ArgsUsage: "[WHAT]", Usage: "what happened to mail",
		Description: `WHAT is the ID of a message, an address that mail came from or went to, @domain, or a Message-ID in <>. --account chooses mail of one account, with or without WHAT. The trace outlives the message (30 days; trace_keep in the configuration). But for an ID, the newest messages come first.

remote id is the name that the next hop gave the message: its operator finds it by that.

--follow shows what happens as it happens, until Ctrl-C: of a message its life so far and then on to its end, else everything from now on, or what WHAT and --account choose. It needs a running relay. With --json it writes an object a line, without --follow an array.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "account", Usage: "`NAME` only mail of this account", Destination: &q.account},
			&cli.BoolFlag{Name: "follow", Usage: "show what happens as it happens", Destination: &follow},
			&cli.GenericFlag{Name: "since", Usage: "`TIME` how far to look back (default 7d)", Value: &since},
			&cli.GenericFlag{Name: "limit", Usage: "`N` at most so many messages, or unlimited (default 20)", Value: &limit},
		},
	}, work{run: func(c *call) error {
		if err := c.askTrace(&q); err != nil {
			return err
		}
		switch {
		case follow && (since.Given || limit.Given):
			return exit.Usage("", "--since and --limit look back, --follow does not")
		case q.id != nil && follow:
			return c.followID(&q)
		case q.id != nil:
			return c.traceID(&q)
		case follow:
			return c.followAll(&q)
		case q.what == "" && q.account == "":
			return exit.Usage("relay trace --help", "relay trace: of what? an ID, an address, or --account NAME; --follow alone shows all that happens")
		}
		return c.traceBack(&q, c.wall().Add(-since.D), int(limit.N))
	}})
}

// tracing is whose life is asked for: what both choose.
type tracing struct {
	id      *store.ID // of one message; nil: see what
	what    string    // an address, @domain or Message-ID; "": any
	account string    // "": any
}

// askTrace reads the command's argument.
func (c *call) askTrace(q *tracing) error {
	if q.account != "" {
		if _, err := c.account(q.account); err != nil {
			return err
		}
	}
	if len(c.args) == 0 {
		return nil
	}
	q.what = c.args[0]
	if id, err := store.ParseID(strings.ToUpper(q.what)); err == nil {
		q.id = &id
		return nil
	}
	inBrackets := len(q.what) > 2 && strings.HasPrefix(q.what, "<") && strings.HasSuffix(q.what, ">")
	if at := strings.Contains(q.what, "@") && len(q.what) > 1; !at && !inBrackets {
		hint := ""
		if _, err := c.st.Account(q.what); err == nil {
			hint = "mail of an account: relay trace --account " + q.what
		}
		return exit.Usage(hint, "%q is neither the ID of a message nor an address, @domain or Message-ID", q.what)
	}
	return nil
}

// chooses reports whether an event is one of those asked for. m is its message,
// as far as that is known: an attempt does not tell the sender.
func (q *tracing) chooses(e *store.Event, m *store.Message) bool {
	if q.account != "" && e.Account != q.account && (m == nil || m.Account != q.account) {
		return false
	}
	return q.what == "" || q.concerns(e) || m != nil && (q.names(m.Sender, m.MessageID) ||
		slices.ContainsFunc(m.Recipients, func(r store.Recipient) bool { return q.names(r.Address, "") }))
}

// concerns reports whether an event itself names what is asked for.
func (q *tracing) concerns(e *store.Event) bool {
	return q.names(e.Sender, e.MessageID) ||
		slices.ContainsFunc(e.Recipients, func(o store.EventOutcome) bool { return q.names(o.Address, "") })
}

func (q *tracing) names(address, messageID string) bool {
	if messageID != "" && messageID == q.what {
		return true
	}
	what := q.what
	if strings.HasPrefix(what, "<") { // as logs write addresses, too
		what = strings.Trim(what, "<>")
	}
	return store.IsAddress(address, what)
}

// choosesAny is for the events of one message together.
func (q *tracing) choosesAny(events []store.Event) bool {
	of := q.account == "" || slices.ContainsFunc(events, func(e store.Event) bool { return e.Account == q.account })
	return of && (q.what == "" || slices.ContainsFunc(events, func(e store.Event) bool { return q.concerns(&e) }))
}

func (c *call) traceID(q *tracing) error {
	events, err := c.st.Trace(*q.id)
	if err == nil {
		err = q.found(events)
	}
	if err != nil {
		return err
	}
	if c.json {
		return term.EncodeAll(c.Stdout, viewEvents(events))
	}
	return c.writeTrace(events)
}

// found says that there is no trace of a message, or that it is another account's.
func (q *tracing) found(events []store.Event) error {
	if len(events) == 0 {
		return exit.Fail(exit.Failed, "traces are kept as long as trace_keep says", "no trace of message %s", *q.id)
	}
	if q.account != "" && !slices.ContainsFunc(events, func(e store.Event) bool { return e.Account == q.account }) {
		return exit.Fail(exit.Failed, "leave out --account", "message %s is not of account %s", *q.id, q.account)
	}
	return nil
}

// traceBack shows the whole trace of each message that is asked for, at most
// limit of them; 0: all.
func (c *call) traceBack(q *tracing, since time.Time, limit int) error {
	var list []store.Event // of the message being read
	a := term.NewArray(c.Stdout)
	found := 0
	next := func() error {
		events := list
		list = list[:0]
		if len(events) == 0 || !q.choosesAny(events) {
			return nil
		}
		if err := c.writeFound(&a, events, found == 0); err != nil {
			return err
		}
		if found++; found == limit {
			return term.ErrEnough
		}
		return nil
	}
	err := c.st.TraceScan(store.ID{}, since, func(e *store.Event) error {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if len(list) > 0 && list[0].ID != e.ID {
			if err := next(); err != nil {
				return err
			}
		}
		list = append(list, *e)
		return nil
	})
	if err == nil {
		err = next()
	}
	if err != nil && !errors.Is(err, term.ErrEnough) {
		return err
	}
	if c.json {
		return a.End()
	}
	switch {
	case errors.Is(err, term.ErrEnough):
		c.note("there may be more: --limit %d is reached", limit)
	case found == 0:
		return c.say("nothing since %s", c.stamp(since))
	}
	return nil
}
