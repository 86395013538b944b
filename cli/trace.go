package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/store"
)

func (p *program) traceCommand() *cli.Command {
	since := durationFlag{d: 7 * 24 * time.Hour}
	limit := 20
	return p.onStore(&cli.Command{
		Name: "trace", ArgsUsage: "ID|ADDRESS", Usage: "what happened to mail",
		Description: `By the ID of a message, or by the address that mail came from or went to. The trace outlives the message (30 days; trace_keep in the configuration). By address the newest messages come first. ADDRESS may also be @domain, or a Message-ID in <>.`,
		Flags: []cli.Flag{
			&cli.GenericFlag{Name: "since", Usage: "`TIME` by address: how far to look back (default 7d)", Value: &since},
			&cli.IntFlag{Name: "limit", Usage: "`N` by address: at most so many messages (default 20)", Value: 20, Destination: &limit},
		},
	}, work{run: func(c *call) error {
		if limit < 1 {
			return usage("", "--limit: at least 1")
		}
		what := c.args[0]
		if id, err := store.ParseID(strings.ToUpper(what)); err == nil {
			return c.traceID(id)
		}
		if !strings.Contains(what, "@") {
			return usage("", "%q is neither the ID of a message nor an address", what)
		}
		return c.traceAddress(what, c.now().Add(-since.d), limit)
	}})
}

func (c *call) traceID(id store.ID) error {
	events, err := c.st.Trace(id)
	if err != nil {
		return err
	}
	if len(events) == 0 {
		return fail(exitFailed, "traces are kept as long as trace_keep says", "no trace of message %s", id)
	}
	if c.json {
		return encodeAll(c.Stdout, events)
	}
	return c.writeTrace(events)
}

// errEnough ends a scan that has found as much as was asked for.
var errEnough = errors.New("enough")

// traceAddress shows the whole trace of each message that the address is in.
func (c *call) traceAddress(address string, since time.Time, limit int) error {
	var list []store.Event // of the message being read
	a := array{w: c.Stdout}
	found := 0
	flush := func() error {
		events := list
		list = list[:0]
		if !slices.ContainsFunc(events, func(e store.Event) bool { return concerns(&e, address) }) {
			return nil
		}
		if err := c.writeFound(&a, events, found == 0); err != nil {
			return err
		}
		if found++; found == limit {
			return errEnough
		}
		return nil
	}
	err := c.st.TraceScan(since, func(e *store.Event) error {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if len(list) > 0 && list[0].ID != e.ID {
			if err := flush(); err != nil {
				return err
			}
		}
		list = append(list, *e)
		return nil
	})
	if err == nil {
		err = flush()
	}
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	if c.json {
		return a.end()
	}
	switch {
	case errors.Is(err, errEnough):
		c.note("there may be more: --limit %d is reached", limit)
	case found == 0:
		return c.say("nothing since %s", c.stamp(since))
	}
	return nil
}

func (c *call) writeFound(a *array, events []store.Event, first bool) error {
	if c.json {
		for i := range events {
			if err := a.add(&events[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if !first {
		if err := c.say(""); err != nil {
			return err
		}
	}
	return c.writeTrace(events)
}

// concerns reports whether an event is about an address, a @domain or a Message-ID.
func concerns(e *store.Event, address string) bool {
	is := func(s string) bool {
		if strings.HasPrefix(address, "@") {
			return len(s) > len(address) && strings.EqualFold(s[len(s)-len(address):], address)
		}
		return strings.EqualFold(s, address)
	}
	return is(e.Sender) || e.MessageID == address ||
		slices.ContainsFunc(e.Recipients, func(o store.EventOutcome) bool { return is(o.Address) })
}

// writeTrace tells the life of one message.
func (c *call) writeTrace(events []store.Event) error {
	if err := c.say("message %s", events[0].ID); err != nil {
		return err
	}
	for i := range events {
		e := &events[i]
		if err := writeEvent(c.Stdout, c.stamp(e.Time), e); err != nil {
			return err
		}
		for _, o := range e.Recipients {
			if err := c.writeOutcome(e, &o); err != nil {
				return err
			}
		}
	}
	return nil
}

func writeEvent(w io.Writer, when string, e *store.Event) error {
	const head = 21 + 10 // the time, the kind
	var about []string
	add := func(format, value string) {
		if value != "" {
			about = append(about, fmt.Sprintf(format, value))
		}
	}
	if e.Kind == store.EventAccepted {
		add("from %s", orElse(e.Sender, "<>"))
		about = append(about, size(e.Size))
		add("account %s", e.Account)
		add("client %s", e.Client)
		add("%s", e.MessageID)
	}
	add("%s", e.NextHop)
	add("%s", e.TLS)
	if e.Millis > 0 {
		about = append(about, fmt.Sprintf("%d ms", e.Millis))
	}
	add("%s", e.Text)
	lines := wrap(clean(strings.Join(about, ", ")), screen-head)
	if len(lines) == 0 {
		lines = []string{""}
	}
	for i, l := range lines {
		lead := fmt.Sprintf("%-19s  %-8s  ", when, e.Kind)
		if i > 0 {
			lead = strings.Repeat(" ", head)
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(lead+l, " ")); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) writeOutcome(e *store.Event, o *store.EventOutcome) error {
	text := "to " + o.Address
	if e.Kind != store.EventAccepted && o.State != "" {
		text += " " + string(o.State)
	}
	if o.Reply != "" {
		text += ": " + o.Reply
	}
	if !o.Next.IsZero() && !o.State.Final() {
		text += " (next try " + c.stamp(o.Next) + ")"
	}
	for i, l := range wrap(clean(text), screen-6) {
		lead := "    "
		if i > 0 {
			lead = "      "
		}
		if err := c.say("%s", lead+l); err != nil {
			return err
		}
	}
	return nil
}
