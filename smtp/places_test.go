package smtp

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"relay/store"
)

func stored(t *testing.T, st *store.Store) (n int) {
	t.Helper()
	if err := st.Places(func(_ string, at []store.Place) error { n += len(at); return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

// Where a login succeeded is known after a restart. It is written within a minute,
// not with the login, and not again on the same day.
func TestPlaces_restart(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, f *fixture) {
		home := site(netip.MustParseAddr("192.0.2.1"))
		f.wantLogin("192.0.2.1", "acme", goodSecret, "235 ")
		before, _ := f.st.Commits()
		if stored(t, f.st) != 0 {
			t.Error("a login waits for the disk")
		}
		time.Sleep(placesEvery + time.Second)
		if n, _ := f.st.Commits(); n != before+1 || stored(t, f.st) != 1 {
			t.Errorf("%d commits, %d places stored, want one of each", n-before, stored(t, f.st))
		}
		for range 10 {
			f.wantLogin("192.0.2.1", "acme", goodSecret, "235 ")
			time.Sleep(time.Hour)
		}
		if n, _ := f.st.Commits(); n != before+1 {
			t.Errorf("%d commits on a day without a new place", n-before)
		}
		next, err := New(f.st, Config{Hostname: "relay.example"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if g := next.guard; !g.places.known("acme", home) || !g.known(home) || g.known(site(netip.MustParseAddr("192.0.2.2"))) {
			t.Error("after a restart the wrong places are known")
		}
		time.Sleep(placesFor)
		if next.guard.known(home) || next.guard.places.known("acme", home) {
			t.Error("known for too long")
		}
		if synctest.Wait(); stored(t, f.st) != 0 {
			t.Error("what nobody came from lately stays stored")
		}
	})
}

// What is kept is bounded: who is forgotten in memory is forgotten on disk, and an
// address is known as long as any login has it.
func TestPlaces_bounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces()
		at := func(i int) netip.Prefix { return site(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})) }
		for i := range placesLogin + 5 {
			p.succeeded("acme", at(i))
			p.succeeded("other", at(placesLogin+i))
			time.Sleep(time.Second)
		}
		if n := len(p.sites); n != 2*placesLogin {
			t.Errorf("%d addresses are known", n)
		}
		if p.home(at(0)) || !p.home(at(5)) {
			t.Error("the wrong address was forgotten")
		}
		p.unsaved()
		for i := range placesKept {
			p.succeeded(fmt.Sprint(i), at(0))
		}
		of := p.unsaved()
		if of["acme"] != nil || of["other"] != nil || len(of) != placesKept+2 || len(p.sites) != 1 {
			t.Errorf("%d logins to write, %d addresses known", len(of), len(p.sites))
		}
		if len(p.unsaved()) != 0 {
			t.Error("written twice")
		}
		p.unwritten(of)
		if len(p.unsaved()) != len(of) {
			t.Error("what could not be written is lost")
		}
	})
}
