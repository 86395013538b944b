package spooled

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// hour of the day on which these tests are.
func hour(h int) time.Time { return time.Date(2026, 3, 1, h, 0, 0, 0, time.UTC) }

// A message lives longer for the time after its acceptance in which its account was stopped, for each
// hour once.
func TestStop_Prolong(t *testing.T) {
	st := &Stop{Spans: []Span{{hour(2), hour(4)}, {hour(6), hour(9)}}}
	for name, c := range map[string]struct {
		st        *Stop
		accepted  int
		prolonged int // until when; 0: it was not
		longer    int // hours
		until     int
	}{
		"never stopped":               {nil, 0, 0, 0, 0},
		"stopped twice":               {st, 1, 0, 5, 9},
		"accepted while it was":       {st, 3, 0, 4, 9},
		"accepted when that was over": {st, 4, 0, 3, 9},
		"accepted later":              {st, 9, 0, 0, 0},
		"the first stop was added":    {st, 1, 4, 3, 9},
		"a part of a stop was added":  {st, 1, 7, 2, 9},
		"all of it was added":         {st, 1, 9, 0, 9},
	} {
		t.Run(name, func(t *testing.T) {
			m := &Message{Accepted: hour(c.accepted), Expires: hour(20)}
			if c.prolonged > 0 {
				m.Prolonged = hour(c.prolonged)
			}
			c.st.Prolong(m)
			if got := int(m.Expires.Sub(hour(20)).Hours()); got != c.longer {
				t.Errorf("it lives %d hours longer, want %d", got, c.longer)
			}
			if c.until == 0 && !m.Prolonged.IsZero() || c.until > 0 && !m.Prolonged.Equal(hour(c.until)) {
				t.Errorf("it knows of stops until %v, want %d", m.Prolonged, c.until)
			}
			at := m.Expires
			if c.st.Prolong(m); !m.Expires.Equal(at) {
				t.Errorf("a second time it lives longer by %v", m.Expires.Sub(at))
			}
		})
	}
}

// However often an account is stopped, no more spans than MostSpans are kept, and a message lives longer
// by as much as it was stopped, or by more.
func TestStop_Over(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		st, now, stopped := &Stop{}, hour(0), time.Duration(0)
		m := &Message{Accepted: now}
		for range rapid.IntRange(0, 3*MostSpans).Draw(t, "stops") {
			from := now.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "pause")) * time.Minute)
			now = from.Add(time.Duration(rapid.IntRange(1, 100).Draw(t, "stop")) * time.Minute)
			st.Over(Span{from, now})
			stopped += now.Sub(from)
		}
		d, _ := st.Longer(m)
		if d < stopped || d > now.Sub(m.Accepted) || len(st.Spans) <= MostSpans/2 && d != stopped {
			t.Fatalf("stopped for %v in %v, it lives longer by %v", stopped, now.Sub(m.Accepted), d)
		}
		if len(st.Spans) > MostSpans {
			t.Fatalf("%d spans", len(st.Spans))
		}
		for i, is := range st.Spans {
			if !is.From.Before(is.To) || i > 0 && is.From.Before(st.Spans[i-1].To) {
				t.Fatalf("spans out of order: %v", st.Spans)
			}
		}
	})
}

// The two that are closest become one.
func TestStop_Over_joins(t *testing.T) {
	st := &Stop{}
	for i := range MostSpans + 1 {
		from := hour(0).Add(time.Duration(i) * 3 * time.Hour)
		if i == 5 {
			from = from.Add(-time.Hour)
		}
		st.Over(Span{from, from.Add(time.Hour)})
	}
	if want := (Span{hour(12), hour(15)}); len(st.Spans) != MostSpans || st.Spans[4] != want {
		t.Errorf("%d spans, the fifth %v, want %v", len(st.Spans), st.Spans[4], want)
	}
}
