package smtp

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"relay/smtp/guard"
	"relay/smtp/wire"
	"relay/store"
	"relay/store/people"
)

func stored(t *testing.T, st *store.Store) (n int) {
	t.Helper()
	if err := st.People.Places(func(_ string, at []people.Place) error { n += len(at); return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

// Where a login succeeded is known after a restart. It is written within a minute,
// not with the login, and not again on the same day.
func TestPlaces_restart(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, f *fixture) {
		home := wire.Site(netip.MustParseAddr("192.0.2.1"))
		f.wantLogin("192.0.2.1", "acme", goodSecret, "235 ")
		before, _ := f.st.Commits()
		if stored(t, f.st) != 0 {
			t.Error("a login waits for the disk")
		}
		time.Sleep(time.Minute + time.Second)
		if n, _ := f.st.Commits(); n != before+1 || stored(t, f.st) != 1 {
			t.Errorf("%d commits, %d places stored, want one of each", n-before, stored(t, f.st))
		}
		for range 10 {
			f.wantLogin("192.0.2.1", "acme", goodSecret, "235 ")
			time.Sleep(time.Hour)
		}
		if n, _ := f.st.Commits(); n > before+1+10 { // one for the uses of a minute
			t.Errorf("%d commits on a day without a new place", n-before)
		}
		next, err := New(f.st, Config{Hostname: "relay.example"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		other := wire.Site(netip.MustParseAddr("192.0.2.2"))
		if g := next.Guard(); !g.Knows(home) || g.Knows(other) {
			t.Error("after a restart the wrong places are known")
		}
		try := func(from netip.Prefix, want guard.Outcome) {
			t.Helper()
			a, err := next.Guard().Try(&guard.Attempt{User: "acme", From: from, Limits: guard.Limits{PerAddress: 100, PerLogin: 1, BanTime: time.Hour}})
			if err != nil || a.Outcome != want {
				t.Errorf("from %s: outcome %d, %v, want %d", from, a.Outcome, err, want)
			}
		}
		try(other, guard.Wrong)
		try(other, guard.Locked)
		try(home, guard.Wrong) // a lock does not hold at home
		time.Sleep(30 * 24 * time.Hour)
		if next.Guard().Knows(home) {
			t.Error("known for too long")
		}
		try(other, guard.Wrong)
		try(home, guard.Locked)
		if synctest.Wait(); stored(t, f.st) != 0 {
			t.Error("what nobody came from lately stays stored")
		}
	})
}
