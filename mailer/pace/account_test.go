package pace

import (
	"testing"
	"time"
)

func TestAccount_Unknown(t *testing.T) {
	for _, c := range []struct {
		name               string
		delivered, unknown int
		want               Step
	}{
		{"a few wrong addresses are an accident", 10, 9, Same},
		{"four in a hundred", 960, 40, Same},
		{"six in a hundred", 940, 60, SlowsDown},
		{"eleven in a hundred", 890, 110, HoldsBack},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := NewAccount(Conduct{})
			a.Delivered(start, c.delivered)
			if got := a.Unknown(start, c.unknown, "550 5.1.1 no such user"); got != c.want {
				t.Errorf("step %d, want %d", got, c.want)
			}
			if got := a.Held(start); got != (c.want == HoldsBack) {
				t.Errorf("held: %v", got)
			}
		})
	}
}

func TestAccount_Complained(t *testing.T) {
	for delivered, want := range map[int]Step{100_000: Same, 2_500: SlowsDown, 900: HoldsBack} {
		a := NewAccount(Conduct{})
		a.Delivered(start, delivered)
		a.Complained(start, "")
		a.Complained(start, "")
		if got := a.Complained(start, "complaint"); got != want {
			t.Errorf("3 complaints about %d: step %d, want %d", delivered, got, want)
		}
	}
}

// Blame halves the account's pace, floor one a minute, and clean time gives it back.
func TestAccount_Blamed(t *testing.T) {
	a, now := NewAccount(Conduct{}), start
	if a.Blamed(now, "550 spam") != SlowsDown || a.Blamed(now.Add(time.Second), "550 spam") != Same {
		t.Error("replies to mail that was under way counted apart")
	}
	if l := a.Limits(now, google()); l.Rate != 50 || l.Connections != 1 {
		t.Errorf("limits %s", l)
	}
	for range 30 {
		now = now.Add(2 * time.Minute)
		a.Blamed(now, "550 spam")
	}
	if l := a.Limits(now, google()); l.Rate != 1 || l.Connections != 1 {
		t.Errorf("limits %s at the floor", l)
	}
	now = now.Add(10 * time.Hour)
	if l := a.Limits(now, google()); l != google() {
		t.Errorf("limits %s after ten clean hours", l)
	}
	if c := a.State(now.Add(time.Hour)); !c.AtRest() || c.Why != "" {
		t.Errorf("something is remembered: %+v", c)
	}
}

// A hold lasts a day and a restart; after it little goes, and then more.
func TestAccount_hold(t *testing.T) {
	a := NewAccount(Conduct{})
	a.Unknown(start, 100, "550 5.1.1")
	if !a.Held(start) || !a.HeldUntil().Equal(start.Add(holdFor)) {
		t.Error("it is not held for a day")
	}
	a = NewAccount(a.State(start.Add(time.Hour)))
	if !a.Held(start.Add(23 * time.Hour)) {
		t.Error("a restart ended it")
	}
	if l := a.Limits(start.Add(holdFor), google()); l.Rate != 10 {
		t.Errorf("limits %s after the hold", l)
	}
	a.Delivered(start.Add(holdFor), 1)
	if l := a.Limits(start.Add(holdFor+2*time.Hour), google()); l != google() {
		t.Errorf("limits %s two hours later", l)
	}
}
