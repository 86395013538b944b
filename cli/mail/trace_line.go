package mail

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"time"

	"relay/cli/term"
	api "relay/report/api/mail"
	"relay/report/words"
	"relay/store"
)

// line writes an event as one line, cut to the terminal's width; relay trace ID has
// the rest.
func (v traceView) line(e *api.Event) error {
	state, about := shortEvent(e)
	lead := fmt.Sprintf("%s  %s  ", e.Time.In(v.e.Zone()).Format(time.TimeOnly), e.ID)
	text := words.Cut(words.Clean(fmt.Sprintf("%-9s  %s", state, about)), term.Width(v.e.Stdout)-len(lead))
	text = strings.TrimRight(text, " ")
	if term.Coloured(v.e.Stdout, os.Getenv) {
		text = term.PaintState(text[:len(state)], state) + text[len(state):]
	}
	return v.e.Say("%s", lead+text)
}

// shortEvent is the state that an event brought, and the most important of the rest.
func shortEvent(e *api.Event) (state, about string) {
	to := recipients(e.Recipients)
	if e.Kind == store.EventAccepted {
		return string(e.Kind), fmt.Sprintf("%s → %s, %s, account %s", cmp.Or(e.Sender, "<>"), to, words.Size(e.Size), e.Account)
	}
	switch {
	case e.Kind == store.EventChanged:
		return e.Text, to
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
		return list[0].Address
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
