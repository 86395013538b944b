package access

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"relay/store/people"
	"relay/store/room"
)

// suspect counts a message of a watched session, and returns the login if it is held for it.
func (f *fixture) suspect(login string, recipients, strangers int64, known bool) (held *people.Credential) {
	f.Helper()
	f.db.Do(f, func(t *room.Tx) (err error) {
		held, err = f.Suspect(t, login, recipients, func() (int64, bool, error) { return strangers, known, nil })
		return err
	})
	return held
}

// What of a watched login's mail is too much, where its recipients are known and where not.
func TestSuspicion_tooMuch(t *testing.T) {
	how := &Theft{Failed: 5, Recipients: 50}
	for _, tt := range []struct {
		what               string
		usual, sent, first int64
		known, too         bool
	}{
		{"a few strangers", 0, 50, 50, true, false},
		{"more strangers than that", 0, 51, 51, true, true},
		{"a tenth of the busiest day", 1000, 100, 100, true, false},
		{"more than a tenth", 1000, 101, 101, true, true},
		{"half of them strangers", 0, 200, 100, true, false},
		{"most of them strangers", 0, 199, 100, true, true},
		{"not known, as few", 0, 50, 0, false, false},
		{"not known, more", 0, 51, 0, false, true},
		{"not known, twice the busiest day", 1000, 2000, 0, false, false},
		{"not known, more than twice", 1000, 2001, 0, false, true},
	} {
		w := Suspicion{Usual: tt.usual, Sent: tt.sent, First: tt.first}
		if too := w.tooMuch(how, tt.known); too != tt.too {
			t.Errorf("%s: %v", tt.what, too)
		}
	}
}

// A login is watched after wrong passwords and from a new network only, for a day, and not at all
// where no login is taken for stolen.
func TestAccess_Enter_watched(t *testing.T) {
	f := open(t)
	f.enter("acme", "192.0.2.1", 9)
	want := func(what, address string, failed int, want bool) {
		t.Helper()
		if watched := f.enter("acme", address, failed); watched != want {
			t.Errorf("%s: watched %v", what, watched)
		}
	}
	want("no rule", "10.0.1.1", 9, false)
	f.SetTheft(Theft{Failed: 5, Recipients: 50})
	want("a known network", "10.0.1.2", 9, false)
	want("few wrong passwords", "10.1.1.1", 4, false)
	f.db.Pass(time.Hour)
	want("wrong passwords, then a new network", "10.2.1.1", 5, true)
	want("again from there", "10.2.1.9", 0, true)
	want("from home meanwhile", "192.0.2.1", 5, false)
	want("a network that was new before", "10.0.1.1", 0, false)
	want("another new network meanwhile", "10.3.1.1", 8, true)
	if w := f.uses("acme").Suspicion; w == nil || w.Failed != 8 || !w.Since.Equal(f.db.Now()) {
		t.Errorf("%+v", w)
	}
	f.kill()
	want("after a kill", "10.2.1.1", 0, true)
	f.db.Pass(WatchFor - time.Second)
	want("a day later", "10.2.1.1", 0, true)
	f.db.Pass(time.Second)
	want("after the day", "10.2.1.1", 0, false)
	want("after the day, a new network", "10.4.1.1", 4, false)
	want("a second time", "10.5.1.1", 6, true)
	if w := f.uses("acme").Suspicion; w == nil || w.Failed != 6 || w.Sent != 0 || !w.Since.Equal(f.db.Now()) {
		t.Errorf("%+v", w)
	}
}

// A use counts from the instant that the listener saw it at, and a clock that was put back does not
// keep a new watch from beginning.
func TestAccess_Enter_clock(t *testing.T) {
	f := open(t)
	f.SetTheft(Theft{Failed: 5, Recipients: 50})
	f.enter("acme", "192.0.2.1", 0)
	u := f.from("acme", "10.0.1.1")
	u.Failed, u.Last = 5, f.db.Now().Add(-time.Second)
	if _, watched, err := f.Enter(u); !watched || err != nil {
		t.Errorf("of a second ago: watched %v, %v", watched, err)
	}
	f.db.Pass(-time.Hour)
	if !f.enter("acme", "10.1.1.1", 6) {
		t.Error("it is not watched by the clock that was put back")
	}
	if w := f.uses("acme").Suspicion; w == nil || w.Failed != 6 || !w.Since.Equal(f.db.Now()) {
		t.Errorf("%+v", w)
	}
}

// The message that is too much holds the login, with what speaks against it and the news of it. It
// is found by counts, in one transaction with the message: a kill leaves all of it.
func TestAccess_Suspect(t *testing.T) {
	for _, known := range []bool{true, false} {
		t.Run(fmt.Sprint(known), func(t *testing.T) {
			f := open(t)
			f.SetTheft(Theft{Failed: 5, Recipients: 50})
			f.enter("acme", "192.0.2.1", 0)
			f.enter("acme", "203.0.113.1", 7)
			if held := f.suspect("phone", 1000, 1000, known); held != nil {
				t.Errorf("a login that is not watched: %+v", held)
			}
			strangers := int64(25)
			if !known {
				strangers = 0
			}
			for range 2 {
				if held := f.suspect("acme", 25, strangers, known); held != nil {
					t.Fatalf("%+v", held)
				}
			}
			held := f.suspect("acme", 1, strangers/25, known)
			f.kill()
			c, err := f.people.Credential("acme")
			if err != nil || held == nil || c.Hold == nil || c.Hold.Holder != people.HeldByRelay || !c.Hold.Since.Equal(f.db.Now()) {
				t.Fatalf("held %+v, stored %+v, %v", held, c, err)
			}
			if want := (people.Signs{Network: "203.0.113.0/24", Failed: 7, Recipients: 51, First: known}); *c.Hold.Signs != want || *held.Hold.Signs != want {
				t.Errorf("signs %+v and %+v, want %+v", *c.Hold.Signs, *held.Hold.Signs, want)
			}
			f.wantHoldTold("acme", people.HeldByRelay)
		})
	}
}

// Where the recipients cannot be read, nothing is counted and nobody is held.
func TestAccess_Suspect_fails(t *testing.T) {
	f := open(t)
	f.SetTheft(Theft{Failed: 5, Recipients: 50})
	f.enter("acme", "192.0.2.1", 0)
	f.enter("acme", "203.0.113.1", 7)
	errNo := errors.New("no")
	err := f.db.Update(0, func(tx room.Tx) error {
		held, err := f.Suspect(&tx, "acme", 1000, func() (int64, bool, error) { return 1000, true, errNo })
		if held != nil || !errors.Is(err, errNo) {
			t.Errorf("%+v, %v", held, err)
		}
		return nil
	})
	if w := f.uses("acme").Suspicion; err != nil || w.Sent != 0 || w.First != 0 {
		t.Errorf("%+v, %v", w, err)
	}
}

// thief is what the rule says of the login acme, told by counts of its own.
type thief struct {
	since       time.Time
	sent, first int64
	held        bool
}

func (m *thief) watched(now time.Time) bool { return !m.since.IsZero() && now.Sub(m.since) < WatchFor }

func (m *thief) sends(now time.Time, recipients, strangers, busiest int64, known bool) {
	if !m.watched(now) {
		return
	}
	m.sent, m.first = m.sent+recipients, m.first+strangers
	if known {
		m.held = m.first > 50 && m.first > busiest/10 && m.first > m.sent-m.first
	} else {
		m.held = m.sent > 50 && m.sent > 2*busiest
	}
}

// Whatever logins do and in whichever order, one is held exactly when all signs come together.
func TestAccess_Suspect_model(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		f := open(t)
		f.SetTheft(Theft{Failed: 5, Recipients: 50})
		f.busiest = int64(rapid.SampledFrom([]int{0, 20, 300, 2000}).Draw(r, "busiest"))
		known := rapid.Bool().Draw(r, "known")
		f.enter("acme", "192.0.2.1", 0)
		m, networks := thief{}, 0
		for !m.held && rapid.IntRange(0, 30).Draw(r, "on") > 0 {
			switch now := f.db.Now(); rapid.SampledFrom([]string{"home", "new", "mail", "mail", "mail", "wait"}).Draw(r, "what") {
			case "home":
				if f.enter("acme", "192.0.2.1", rapid.IntRange(0, 9).Draw(r, "failed")) {
					r.Fatal("watched at home")
				}
			case "new":
				networks++
				failed := rapid.IntRange(0, 9).Draw(r, "failed")
				if failed >= 5 && !m.watched(now) {
					m = thief{since: now}
				}
				if watched := f.enter("acme", fmt.Sprintf("%d.0.7.1", 20+networks), failed); watched != m.watched(now) {
					r.Fatalf("watched %v", watched)
				}
			case "mail":
				n := int64(rapid.IntRange(1, 60).Draw(r, "recipients"))
				first := int64(rapid.IntRange(0, int(n)).Draw(r, "strangers"))
				if !known {
					first = 0
				}
				m.sends(now, n, first, f.busiest, known)
				if held := f.suspect("acme", n, first, known); (held != nil) != m.held {
					r.Fatalf("held %+v, want %v after %+v", held, m.held, m)
				}
			case "wait":
				f.db.Pass(time.Duration(rapid.IntRange(1, 30).Draw(r, "hours")) * time.Hour)
			}
		}
		if c, err := f.people.Credential("acme"); err != nil || (c.Hold != nil) != m.held {
			r.Fatalf("%+v, %v", c, err)
		}
	})
}
