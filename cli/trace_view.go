package cli

import (
	"fmt"
	"io"
	"strings"

	"relay/cli/term"
	"relay/report/words"
	"relay/store"
)

// eventView is an event as programs see it.
type eventView struct {
	store.Event
	Recipients []outcomeView `json:"recipients,omitempty"`
	Done       bool          `json:"done,omitempty"` // the message has left the queue with it; only told live
}

type outcomeView struct {
	store.EventOutcome
	RemoteID string `json:"remote_id,omitempty"` // the message's name at the next hop that took it
}

func viewEvent(e *store.Event) eventView {
	v := eventView{Event: *e}
	v.Text = words.English.Event(e)
	v.Note, v.Other, v.Sent = "", store.ID{}, 0 // Text has them
	for _, o := range e.Recipients {
		v.Recipients = append(v.Recipients, outcomeView{o, remoteOf(&o)})
	}
	return v
}

func viewEvents(events []store.Event) []eventView {
	list := make([]eventView, len(events))
	for i := range events {
		list[i] = viewEvent(&events[i])
	}
	return list
}

// remoteOf is the name of a message at the next hop that took it.
func remoteOf(o *store.EventOutcome) string {
	if o.State != store.Delivered {
		return ""
	}
	return remoteID(o.Reply)
}

// writeFound writes the life of one of several messages.
func (c *call) writeFound(a *term.Array, events []store.Event, first bool) error {
	if c.json {
		for i := range events {
			if err := a.Add(viewEvent(&events[i])); err != nil {
				return err
			}
		}
		return c.flush(nil)
	}
	if !first {
		if err := c.say(""); err != nil {
			return err
		}
	}
	return c.flush(c.writeTrace(events))
}

// writeTrace tells the life of one message.
func (c *call) writeTrace(events []store.Event) error {
	if err := c.say("message %s", events[0].ID); err != nil {
		return err
	}
	for i := range events {
		if err := c.writeEvent(&events[i], ""); err != nil {
			return err
		}
	}
	return nil
}

// writeEvent tells an event; title stands after its time and kind, on a line of
// its own.
func (c *call) writeEvent(e *store.Event, title string) error {
	if err := writeHead(c.Stdout, c.stamp(e.Time), title, e); err != nil {
		return err
	}
	for rest := e.Recipients; len(rest) > 0; {
		n := alike(rest)
		if err := c.writeOutcome(e, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// alike is how many of the first recipients fared the same: they are told together.
func alike(list []store.EventOutcome) int {
	n := 1
	for n < len(list) {
		o := list[n]
		if o.Address = list[0].Address; o != list[0] {
			break
		}
		n++
	}
	return n
}

func writeHead(w io.Writer, when, title string, e *store.Event) error {
	const head = 21 + 10 // the time, the kind
	lines := term.Wrap(term.Clean(aboutEvent(e)), term.Columns-head)
	if title != "" {
		lines = append([]string{title}, lines...)
	}
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

// aboutEvent is what there is to say of an event beside time, kind and recipients.
func aboutEvent(e *store.Event) string {
	var about []string
	add := func(format, value string) {
		if value != "" {
			about = append(about, fmt.Sprintf(format, value))
		}
	}
	if e.Kind == store.EventAccepted {
		add("from %s", orElse(e.Sender, "<>"))
		about = append(about, words.Size(e.Size))
		add("account %s", e.Account)
		add("client %s", e.Client)
		add("%s", e.MessageID)
	}
	add("%s", e.NextHop)
	add("%s", e.TLS)
	if e.Millis > 0 {
		about = append(about, fmt.Sprintf("%d ms", e.Millis))
	}
	add("%s", words.English.Event(e))
	return strings.Join(about, ", ")
}

func (c *call) writeOutcome(e *store.Event, list []store.EventOutcome) error {
	o := &list[0]
	text := "to " + o.Address
	for _, other := range list[1:] {
		text += ", " + other.Address
	}
	if e.Kind != store.EventAccepted && o.State != "" {
		text += " " + string(o.State)
	}
	if o.Reply != "" {
		text += ": " + o.Reply
	}
	if !o.Next.IsZero() && !o.State.Final() {
		text += " (next try " + c.stamp(o.Next) + ")"
	}
	lines := term.Wrap(term.Clean(text), term.Columns-6)
	if id := remoteOf(o); id != "" {
		lines = append(lines, term.Clean("remote id "+id))
	}
	for i, l := range lines {
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
