package spooled

import (
	"math"
	"slices"
	"time"
)

// Stop says since when an account's mail is stopped, and when it was stopped before. Bucket "stops",
// key account, JSON.
type Stop struct {
	Since time.Time `json:"since,omitzero"`  // zero: it is not stopped
	Spans []Span    `json:"spans,omitempty"` // earlier stops, oldest first
}

// Span of time in which an account was stopped.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// MostSpans of an account are remembered. When there are more, the two with the least time between
// them become one: mail then lives a little longer, never too short.
const MostSpans = 16

// Stopped reports whether the account is stopped now; nil: it never was.
func (st *Stop) Stopped() bool { return st != nil && !st.Since.IsZero() }

// Over adds a stop that is over.
func (st *Stop) Over(span Span) {
	st.Spans = append(st.Spans, span)
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

// Longer is how much longer a message lives for stops that are over and that it was not prolonged for
// yet, and when the last of them ended.
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

// Prolong adds the time for which its account was stopped to a message's life, once. Without a stop
// it does nothing.
func (st *Stop) Prolong(m *Message) {
	if st == nil {
		return
	}
	d, until := st.Longer(m)
	m.Expires, m.Prolonged = m.Expires.Add(d), until
}
