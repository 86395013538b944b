package bookclock

import (
	"testing"
	"testing/synctest"
	"time"
)

// world is a machine's clock in a bubble: the monotonic one is the bubble's.
type world struct {
	off  time.Duration // of the wall clock
	kept bool
	told []bool // that it stands
}

func (w *world) clock(from State) *Clock {
	return New(Options{
		Wall: func() time.Time { return time.Now().Add(w.off).Round(0) },
		Kept: func() bool { return w.kept },
		Told: func(h *Hold) { w.told = append(w.told, h != nil) },
	}, from)
}

const day = 24 * time.Hour

// goes wants the clock of the books to show what the wall clock does.
func goes(t *testing.T, c *Clock) {
	t.Helper()
	if wall, books := c.Now(); !books.Equal(wall) || c.Hold() != nil {
		t.Errorf("the books show %v, the wall clock %v, hold %+v; want it to go", books, wall, c.Hold())
	}
}

func stands(t *testing.T, c *Clock, at time.Time) {
	t.Helper()
	if _, books := c.Now(); !books.Equal(at) || c.Hold() == nil {
		t.Errorf("the books show %v, hold %+v; want them to stand at %v", books, c.Hold(), at)
	}
}

func TestClock_standsWhileRunning(t *testing.T) {
	for name, step := range map[string]time.Duration{"ahead": 60 * day, "behind": -60 * day} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &world{kept: true}
				c := w.clock(State{})
				time.Sleep(5 * time.Hour)
				goes(t, c)
				w.off = day
				goes(t, c) // not more than a day
				w.off = step
				at := time.Now().UTC()
				stands(t, c, at)
				time.Sleep(3 * day)
				stands(t, c, at)
				w.off = 0
				goes(t, c)
				if len(w.told) != 2 || !w.told[0] || w.told[1] {
					t.Errorf("told %v, want that it stands, and that it goes", w.told)
				}
			})
		})
	}
}

func TestClock_operatorsWord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		c := w.clock(State{})
		w.off = 60 * day
		stands(t, c, time.Now().UTC())
		c.Believe()
		goes(t, c)
		s, changed := c.Note(State{Hold: &Hold{}})
		if !changed || s.Hold != nil || !s.Last.Equal(time.Now().Add(60*day).UTC()) {
			t.Errorf("Note = %+v, %v; want that the wall clock is believed", s, changed)
		}
		goes(t, w.clock(s)) // also after a restart
		w.off = 0           // and what was believed is now expected
		stands(t, c, time.Now().Add(60*day).UTC())
	})
}

func TestClock_start(t *testing.T) {
	for _, tt := range []struct {
		name string
		down time.Duration
		kept bool
		held bool
	}{
		{"five weeks later", 35 * day, false, false},
		{"more, and nobody keeps the clock", 35*day + 1, false, true},
		{"more, and it is kept", 400 * day, true, false},
		{"a day earlier", -day, false, false},
		{"more, and nobody keeps it", -day - 1, false, true},
		{"earlier, and it is kept", -400 * day, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				last := time.Now().UTC()
				w := &world{off: tt.down, kept: tt.kept}
				c := w.clock(State{Last: last})
				if !tt.held {
					goes(t, c)
					return
				}
				stands(t, c, last)
				time.Sleep(time.Hour)
				stands(t, c, last)
				w.kept = true // a time server has been found, and changed nothing
				time.Sleep(time.Second)
				goes(t, c)
			})
		})
	}
}

func TestClock_setRightAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{off: -20 * day}
		c := w.clock(State{Last: time.Now().Add(-30 * day)})
		goes(t, c) // a machine without a clock of its own
		time.Sleep(2 * time.Second)
		w.off, w.kept = 0, true
		goes(t, c)
		if w.told != nil {
			t.Errorf("told %v, want nothing: a time server has set it right", w.told)
		}
	})
}

// A hold lasts over a restart, until the wall clock has left where it was wrong.
func TestClock_holdIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{kept: true}
		c := w.clock(State{})
		at := time.Now().UTC()
		w.off = 10 * day // less than a relay may be down
		stands(t, c, at)
		s, changed := c.Note(State{Last: at})
		if !changed {
			t.Fatal("Note: nothing to store, want the hold")
		}
		if _, again := c.Note(s); again {
			t.Error("Note: it would be written with every commit")
		}
		time.Sleep(time.Hour)
		c = w.clock(s)
		stands(t, c, at)
		w.off = 0
		goes(t, c)
		goes(t, w.clock(s))
	})
}

func TestClock_trust(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		c := w.clock(State{})
		w.off = 60 * day
		stands(t, c, time.Now().UTC())
		c.Trust(true)
		goes(t, c)
		w.off = 400 * day
		goes(t, c)
		c.Trust(false)
		goes(t, c)
		w.off = 0
		stands(t, c, time.Now().Add(400*day).UTC())
		if c := New(Options{Wall: func() time.Time { return time.Now().Add(w.off) }}, State{Last: time.Unix(0, 0)}); c.Hold() != nil {
			t.Error("a clock that nobody is asked about stands")
		}
	})
}
