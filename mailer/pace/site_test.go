package pace

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)

func google() Limits { return Limits{Connections: 3, Messages: 50, Rate: 100, Recipients: 50} }

// In no minute do more messages begin than the row allows, whatever the site is told.
func TestSite_neverOverTheRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := Limits{Connections: 3, Rate: rapid.IntRange(1, 700).Draw(t, "rate")}
		s, now := NewSite(l, State{}), start
		var sent []time.Time
		for range rapid.IntRange(10, 400).Draw(t, "events") {
			now = now.Add(time.Duration(rapid.IntRange(0, 20_000).Draw(t, "ms")) * time.Millisecond)
			if rapid.IntRange(0, 60).Draw(t, "refused") == 0 {
				s.Slow(now, "421 slow down")
			}
			free := s.Free(now)
			for range min(free, rapid.IntRange(0, 100).Draw(t, "n")) {
				s.Send(now, 1)
				sent = append(sent, now)
			}
			if next := s.Next(now); s.Free(now) > 0 != !next.After(now) {
				t.Fatalf("free %d, next %s after now", s.Free(now), next.Sub(now))
			}
		}
		first := 0
		for i, at := range sent {
			for at.Sub(sent[first]) >= time.Minute {
				first++
			}
			if n := i - first + 1; n > l.Rate {
				t.Fatalf("%d messages in a minute, the row has %d", n, l.Rate)
			}
		}
	})
}

// What waits until Next may go then.
func TestSite_Next(t *testing.T) {
	s, now := NewSite(Limits{Connections: 1, Rate: 10}, State{}), start
	for i := range 30 {
		if s.Free(now) == 0 {
			now = s.Next(now)
		}
		if s.Free(now) == 0 {
			t.Fatalf("message %d: nothing free at the time that Next named", i)
		}
		s.Send(now, 1)
	}
	if took := now.Sub(start); took < 170*time.Second || took > 180*time.Second {
		t.Errorf("30 messages at 10 a minute took %s", took)
	}
}

func TestSite_Slow(t *testing.T) {
	s := NewSite(google(), State{})
	if !s.Slow(start, "421 4.7.28 rate") || s.Slow(start.Add(10*time.Second), "421 4.7.28 rate") {
		t.Error("replies to mail that was under way counted apart")
	}
	if r, c := s.Rate(start), s.Connections(start); r != 50 || c != 1 {
		t.Errorf("%v a minute over %d connections, want 50 and 1", r, c)
	}
	for i, want := range []float64{50, 75, 75, 100} {
		at := start.Add(time.Duration(i) * step)
		if i == 2 {
			at = start.Add(2*step - time.Second)
		}
		if r := s.Rate(at); r != want {
			t.Errorf("after %s: %v a minute, want %v", at.Sub(start), r, want)
		}
	}
	s.Rate(start.Add(4 * step))
	if st := s.State(start.Add(4 * step)); !st.AtRow() || st.Why != "" {
		t.Errorf("something is remembered an hour later: %+v", st)
	}
}

// It never goes below one connection and one message a minute.
func TestSite_floor(t *testing.T) {
	s, now := NewSite(google(), State{}), start
	for range 50 {
		now = now.Add(2 * time.Minute)
		s.Slow(now, "421")
		s.Crowd(now, 1, "421")
	}
	if r, c := s.Rate(now), s.Connections(now); r != 1 || c != 1 {
		t.Errorf("%v a minute over %d connections, want 1 and 1", r, c)
	}
}

// One connection too many costs connections, not the rate.
func TestSite_Crowd(t *testing.T) {
	s := NewSite(Limits{Connections: 10, Rate: 600}, State{})
	s.Crowd(start, 6, "421 too many connections")
	s.Crowd(start.Add(time.Second), 5, "421 too many connections")
	s.Crowd(start.Add(time.Second), 5, "421 too many connections")
	if r, c := s.Rate(start), s.Connections(start); r != 600 || c != 5 {
		t.Errorf("%v a minute over %d connections, want 600 and 5", r, c)
	}
	if c := s.Connections(start.Add(24 * time.Hour)); c != 10 {
		t.Errorf("%d connections a day later, want 10", c)
	}
}

func TestSite_Suspend(t *testing.T) {
	s := NewSite(google(), State{})
	s.Suspend(start, 2*time.Hour, "[TSS04]")
	s.Suspend(start.Add(time.Minute), time.Minute, "a shorter one")
	again := NewSite(google(), s.State(start))
	for _, c := range []struct {
		after time.Duration
		want  bool
	}{{time.Minute, true}, {2*time.Hour - time.Second, true}, {2 * time.Hour, false}} {
		if got := s.Stopped(start.Add(c.after)); got != c.want || (s.Free(start.Add(c.after)) == 0) != c.want {
			t.Errorf("after %s: stopped %v, want %v", c.after, got, c.want)
		}
	}
	if !again.Stopped(start.Add(time.Hour)) {
		t.Error("a restart ended the suspension")
	}
	if again.Stopped(start.Add(-48 * time.Hour)) {
		t.Error("a clock that was set back made it longer")
	}
}

// A site without a rate is halved from what was sent.
func TestSite_withoutRate(t *testing.T) {
	s, now := NewSite(Limits{Connections: 20}, State{}), start
	if s.Free(now) != Any {
		t.Fatal("it is paced")
	}
	for range 120 {
		now = now.Add(500 * time.Millisecond)
		s.Send(now, 1)
	}
	s.Slow(now, "452 slow down")
	if r := s.Rate(now); r < 50 || r > 65 {
		t.Errorf("%v a minute, want half of 120", r)
	}
	if r := s.Rate(now.Add(24 * time.Hour)); r != 0 {
		t.Errorf("%v a minute a day later, want any", r)
	}
}

// A clock that is set back or far ahead stops nothing for long.
func TestSite_clock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, now := NewSite(google(), State{}), start
		for range 100 {
			switch rapid.IntRange(0, 5).Draw(t, "event") {
			case 0:
				now = now.Add(time.Duration(rapid.Int64Range(-int64(9000*time.Hour), int64(9000*time.Hour)).Draw(t, "set")))
			case 1:
				s.Slow(now, "421")
			case 2:
				s.Crowd(now, 3, "421")
			default:
				now = now.Add(time.Second)
				if s.Free(now) > 0 {
					s.Send(now, rapid.IntRange(1, 3).Draw(t, "n"))
				}
			}
		}
		if next := s.Next(now); next.Sub(now) > 10*time.Minute {
			t.Fatalf("the next message waits for %s", next.Sub(now))
		}
	})
}
