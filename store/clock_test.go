package store

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/ledger"
	"relay/store/orders"
)

// guardedBooks is openBooks with a clock that is watched.
func guardedBooks(t *testing.T, path string, c *clock, kept *bool) *Store {
	t.Helper()
	s, err := openTest(path, Options{Now: c.now, Kept: func() bool { return *kept },
		Billing: ledger.Billing{Currency: "EUR", DueDays: 14, GraceDays: 7}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// closeAll is the job, as it runs on schedule.
func closeAll(t *testing.T, s *Store) (closed int) {
	t.Helper()
	err := s.Orders.CloseBy(context.Background(), s.BookTime(), func(_ string, _ orders.Receipt, err error) {
		closed++
		if err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return closed
}

// A clock that is plainly wrong closes no month and ends no term, also over a
// restart, until the operator says that it is right.
func TestStore_wrongClock(t *testing.T) {
	path, kept := filepath.Join(t.TempDir(), "relay.db"), true
	c := &clock{t: epoch}
	s := guardedBooks(t, path, c, &kept)
	for _, p := range []quota.Plan{silver, gold, more} {
		if err := s.Books.AddPlan(p); err != nil {
			t.Fatal(err)
		}
	}
	order(t, s, "year", silver, quota.Continue)
	order(t, s, "month", more, quota.Suspend)
	before, err := s.Standings.Standing("year")
	if err != nil {
		t.Fatal(err)
	}

	c.t = epoch.AddDate(0, 14, 0)
	open := func(s *Store) {
		t.Helper()
		if n := closeAll(t, s); n != 0 {
			t.Errorf("%d accounts were closed by a clock that is months ahead", n)
		}
		for _, name := range []string{"year", "month"} {
			if r := send(t, s, name, 1000, 1); r != nil {
				t.Errorf("%s: refused: %+v", name, r)
			}
			st, err := s.Standings.Standing(name)
			if err != nil || st.Expired() || st.Account.Expired(s.BookTime(), s.Zone()) || st.Period.Key != st.Account.Open {
				t.Errorf("%s stands %+v, %v; want its open period", name, st, err)
			}
		}
		if s.Hold() == nil || s.BookTime().Sub(epoch).Abs() > time.Minute {
			t.Errorf("the books show %v, hold %+v; want them to stand at %v", s.BookTime(), s.Hold(), epoch)
		}
		r, err := s.Orders.Upgrade(behalf.Order{By: "op", DryRun: true}, "year", gold.Name)
		if err != nil || r.After.Open != r.Before.Open {
			t.Errorf("an order: open %q, then %q, %v", r.Before.Open, r.After.Open, err)
		}
	}
	open(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = guardedBooks(t, path, c, &kept)
	open(s)
	st, err := s.Standings.Standing("year")
	if err != nil || st.Period.Key != before.Period.Key || st.Used.Charged.Messages != 2 {
		t.Errorf("stands in %s with %+v, %v; want both messages in %s", st.Period.Key, st.Used.Charged, err, before.Period.Key)
	}

	if err := s.BelieveClock(); err != nil {
		t.Fatal(err)
	}
	if n := closeAll(t, s); n != 2 {
		t.Errorf("%d accounts closed after the operator's word, want 2", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	kept = false
	s = guardedBooks(t, path, c, &kept)
	defer s.Close()
	if st, err := s.Standings.Standing("year"); err != nil || !st.Expired() || s.Hold() != nil {
		t.Errorf("after a restart: expired %v, hold %+v, %v; the word is stored", st.Expired(), s.Hold(), err)
	}
	verify(t, s)
}

// Months after the last commit, on a machine whose clock nobody keeps.
func TestStore_wrongClockAtStart(t *testing.T) {
	path, kept := filepath.Join(t.TempDir(), "relay.db"), false
	c := &clock{t: epoch}
	s := guardedBooks(t, path, c, &kept)
	order(t, s, "acme", quota.Builtin()[0], quota.Suspend)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		at   time.Time
		kept bool
		held bool
	}{
		{"months ahead", epoch.AddDate(0, 5, 0), false, true},
		{"months ahead, and kept", epoch.AddDate(0, 5, 0), true, false},
		{"years behind", epoch.AddDate(-20, 0, 0), false, true},
		{"a month later", epoch.AddDate(0, 0, 30), false, false},
	} {
		c.t, kept = tt.at, tt.kept
		s, err := openTest(path, Options{Now: c.now, Kept: func() bool { return kept }, ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		if held := s.Hold() != nil; held != tt.held {
			t.Errorf("%s: held %v, want %v", tt.name, held, tt.held)
		}
		if want := tt.at; tt.held && !s.BookTime().Equal(epoch.Truncate(time.Second)) || !tt.held && !s.BookTime().Equal(want) {
			t.Errorf("%s: the books show %v", tt.name, s.BookTime())
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// What opens the store without asking about the clock, as compact and restore do, takes
// no word for it: the next start finds the clock as wrong as it was.
func TestStore_unaskedClockProvesNothing(t *testing.T) {
	path, kept := filepath.Join(t.TempDir(), "relay.db"), true
	c := &clock{t: epoch}
	s := guardedBooks(t, path, c, &kept)
	if err := s.Books.AddPlan(silver); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	kept, c.t = false, epoch.AddDate(0, 5, 0)
	tool, err := openTest(path, Options{Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	if err := tool.Books.AddPlan(gold); err != nil {
		t.Fatal(err)
	}
	if err := tool.Close(); err != nil {
		t.Fatal(err)
	}
	s = guardedBooks(t, path, c, &kept)
	if s.Hold() == nil {
		t.Error("a clock that is five months ahead is believed after a tool has written")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
