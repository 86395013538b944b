package mail

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"relay/cli/shell"
	"relay/cli/term"
	api "relay/report/api/mail"
	"relay/report/words"
	"relay/store/trace"
)

// traceView writes events for people.
type traceView struct{ e *shell.Env }

// life writes the life of one message; more: there was one before it.
func (v traceView) life(events []api.Event, more bool) error {
	head := "message " + events[0].ID.String()
	if more {
		head = "\n" + head
	}
	if err := v.e.Say("%s", head); err != nil {
		return err
	}
	for i := range events {
		if err := v.event(&events[i]); err != nil {
			return err
		}
	}
	return nil
}

// missed says how many events came faster than they were read.
func (v traceView) missed(n int) error {
	return v.e.Say("… %s missed: they came faster than they were read", words.Plural(int64(n), "event"))
}

// event writes an event with all that is known of it.
func (v traceView) event(e *api.Event) error {
	if err := writeHead(v.e.Stdout, v.stamp(e.Time), e); err != nil {
		return err
	}
	for rest := e.Recipients; len(rest) > 0; {
		n := alike(rest)
		if err := v.outcome(e, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

func (v traceView) stamp(t time.Time) string { return words.Stamp(t, v.e.Zone()) }

// alike is how many of the first recipients have the same outcome: one line is for all of them.
func alike(list []api.Outcome) int {
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

func writeHead(w io.Writer, when string, e *api.Event) error {
	const head = 21 + 10 // the time, the kind
	lines := term.Wrap(words.Clean(aboutEvent(e)), term.Columns-head)
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

// aboutEvent writes the details of an event: all but time, kind and recipients.
func aboutEvent(e *api.Event) string {
	var about []string
	add := func(format, value string) {
		if value != "" {
			about = append(about, fmt.Sprintf(format, value))
		}
	}
	if e.Kind == trace.EventAccepted {
		add("from %s", cmp.Or(e.Sender, "<>"))
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
	add("%s", e.Text)
	return strings.Join(about, ", ")
}

func (v traceView) outcome(e *api.Event, list []api.Outcome) error {
	o := &list[0]
	text := "to " + cmp.Or(o.Address, "one of its recipients")
	for _, other := range list[1:] {
		text += ", " + other.Address
	}
	if o.Named != "" {
		text += ", named as " + o.Named
	}
	if e.Kind != trace.EventAccepted && o.State != "" {
		text += " " + string(o.State)
	}
	if o.Reply != "" {
		text += ": " + o.Reply
	}
	if !o.Since.IsZero() {
		text += " (suppressed since " + v.stamp(o.Since) + ")"
	}
	if !o.Next.IsZero() && !o.State.Final() {
		text += " (next try " + v.stamp(o.Next) + ")"
	}
	lines := term.Wrap(words.Clean(text), term.Columns-6)
	if said := words.English.Verdict(&o.Verdict); said != "" {
		lines = append(lines, words.Clean(said))
	}
	if id := o.RemoteID; id != "" {
		lines = append(lines, words.Clean("remote id "+id))
	}
	for i, l := range lines {
		lead := "    "
		if i > 0 {
			lead = "      "
		}
		if err := v.e.Say("%s", lead+l); err != nil {
			return err
		}
	}
	return nil
}

// line writes an event as one line: cut to the width of a terminal, where relay trace ID
// has the rest, and whole for a file or another program, such as grep.
func (v traceView) line(e *api.Event) error {
	state, about := shortEvent(e)
	lead := fmt.Sprintf("%s  %s  ", e.Time.In(v.e.Zone()).Format(time.TimeOnly), e.ID)
	text := words.Clean(fmt.Sprintf("%-9s  %s", state, about))
	if term.IsTerminal(v.e.Stdout) {
		text = words.Cut(text, term.Width(v.e.Stdout)-len(lead))
	}
	text = strings.TrimRight(text, " ")
	if term.Coloured(v.e.Stdout, os.Getenv) {
		text = term.PaintState(text[:len(state)], state) + text[len(state):]
	}
	return v.e.Say("%s", lead+text)
}

// shortEvent is the state that an event brought, and the most important of the rest.
func shortEvent(e *api.Event) (state, about string) {
	to := recipients(e.Recipients)
	if e.Kind == trace.EventAccepted {
		return string(e.Kind), fmt.Sprintf("%s → %s, %s, account %s", cmp.Or(e.Sender, "<>"), to, words.Size(e.Size), e.Account)
	}
	switch {
	case e.Kind == trace.EventChanged:
		state, _, _ = strings.Cut(e.Text, " ") // retry asked for
		return state, to
	case len(e.Recipients) == 0:
		return string(e.Kind), e.Text
	case alike(e.Recipients) < len(e.Recipients):
		return string(e.Kind), outcomes(e.Recipients)
	}
	first := &e.Recipients[0]
	about = to
	if detail := cmp.Or(first.Reply, e.Text); detail != "" {
		about += ": " + detail
	}
	return cmp.Or(string(first.State), string(e.Kind)), about
}

// recipients names the first one and how many more there are.
func recipients(list []api.Outcome) string {
	switch len(list) {
	case 0:
		return ""
	case 1:
		return cmp.Or(list[0].Address, list[0].Named)
	}
	return fmt.Sprintf("%s and %d more", list[0].Address, len(list)-1)
}

// outcomes counts the recipients by what became of them, the first state first.
func outcomes(list []api.Outcome) string {
	var states, parts []string
	count := map[string]int{}
	for i := range list {
		s := string(list[i].State)
		if count[s]++; count[s] == 1 {
			states = append(states, s)
		}
	}
	for _, s := range states {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%d %s", count[s], s)))
	}
	return fmt.Sprintf("%s: %s", recipients(list), strings.Join(parts, ", "))
}
