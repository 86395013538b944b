package spooled

import (
	"math"
	"slices"
	"time"
)

// Stop is when an account's mail was stopped, and from when to when it was before. Bucket
// "stops", key account, JSON.
type Stop struct {
	Since time.Time `json:"since,omitzero"`  // zero: the account goes on
	Spans []Span    `json:"spans,omitempty"` // that are over, oldest first
}

// Span of time in which an account was stopped.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// MostSpans of an account are remembered. When there are more, two become one: those that are
// the closest, so that mail rather lives a little longer than too short.
const MostSpans = 16

// Over adds a span.
func (st *Stop) Over(is Span) {
	st.Spans = append(st.Spans, is)
	if len(st.Spans) <= MostSpans {
		return
	}
	best, least := 1, time.Duration(math.MaxInt64)
	for i := 1; i < len(st.Spans); i++ {
		if gap := st.Spans[i].From.Sub(st.Spans[i-1].To); gap < least {
			best, least = i, gap
		}
	}
	st.Spans[best-1].To = st.Spans[best].To
	st.Spans = slices.Delete(st.Spans, best, best+1)
}

// Longer is how much longer the message lives for what is over, and when the last of it ended.
func (st *Stop) Longer(m *Message) (d time.Duration, until time.Time) {
	until = m.Prolonged
	for _, is := range st.Spans {
		if !is.To.After(until) || !is.To.After(m.Accepted) {
			continue
		}
		from := is.From
		for _, after := range []time.Time{m.Accepted, m.Prolonged} {
			if from.Before(after) {
				from = after
			}
		}
		d, until = d+is.To.Sub(from), is.To
	}
	return d, until
}

// Prolong adds the time for which its account was stopped to a message's life, once.
func (st *Stop) Prolong(m *Message) {
	if st == nil {
		return
	}
	d, until := st.Longer(m)
	m.Expires, m.Prolonged = m.Expires.Add(d), until
}
