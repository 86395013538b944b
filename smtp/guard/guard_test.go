package guard

import (
	"net/netip"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"relay/quota"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/orders"
	"relay/store/people"
	"relay/store/secret"
)

// world is a guard over a store with the login person, whose password is pw.
func world(t *testing.T) (*Guard, *store.Store) {
	t.Helper()
	st, err := store.Open(filepath.Join(t.TempDir(), "relay.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	if _, err := st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "acme"}, Plan: quota.Plan{Name: "test", Term: quota.Year},
		Credential: &people.Credential{Login: "person", Account: "acme", Kind: people.Password, Hash: secret.HashPassword("pw")}}); err != nil {
		t.Fatal(err)
	}
	g, err := New(st)
	if err != nil {
		t.Fatal(err)
	}
	g.CheckBy(secret.Verify)
	return g, st
}

// The answers in order, as a client would get them: what began with a login is told once, and a
// lock holds everywhere but at home.
func TestGuard_Try(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _ := world(t)
		home, other := netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("198.51.100.1/32")
		for i, step := range []struct {
			user, password string
			from           netip.Prefix
			exempt         bool
			want           Outcome
			begins         bool // a ban or a lock
		}{
			{"person", "pw", home, false, Right, false},
			{"PERSON", "a", other, false, Wrong, false},
			{"person", "a", other, false, Wrong, false}, // the same again
			{"person", "b", other, false, Wrong, true},  // the lock
			{"person", "pw", other, false, Locked, false},
			{"person", "pw", home, false, Right, false},
			{"person", "c", home, true, Wrong, false},
			{"nobody", "", other, false, Wrong, true}, // the ban: names with and without a login count alike
			{"person", "pw", other, false, Banned, false},
			{"person", "pw", other, true, Right, false},
		} {
			a, err := g.Try(&Attempt{User: step.user, Password: step.password, From: step.from, Exempt: step.exempt,
				Limits: Limits{PerAddress: 4, PerLogin: 2, BanTime: time.Hour}})
			if err != nil || a.Outcome != step.want || (a.Login.Begins || a.Begun != nil) != step.begins {
				t.Errorf("%d: %s with %q: %+v, %v", i, step.user, step.password, a, err)
			}
			if (a.Outcome == Right) != (a.Credential.Account == "acme") {
				t.Errorf("%d: %+v", i, a.Credential)
			}
		}
		if b := g.Bans(); len(b) != 2 || !g.LiftBan(other.Addr()) || !g.LiftLogin("Person") || g.Bans() != nil {
			t.Errorf("bans %+v", b)
		}
	})
}

// Run writes the addresses of logins once a minute and at its end; a guard that begins later
// knows them.
func TestGuard_Run(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, st := world(t)
		stop, ended, saved := make(chan struct{}), make(chan struct{}), 0
		go func() {
			defer close(ended)
			g.Run(stop, func(err error) {
				if saved++; err != nil {
					t.Error(err)
				}
			})
		}()
		login := func(from string) {
			at := netip.MustParsePrefix(from)
			if a, err := g.Try(&Attempt{User: "person", Password: "pw", From: at}); err != nil || a.Outcome != Right {
				t.Fatalf("%+v, %v", a, err)
			}
			if _, _, err := g.Enter(&Use{Login: "person", Name: "person", From: at, Program: "test"}); err != nil {
				t.Fatal(err)
			}
		}
		login("192.0.2.1/32")
		time.Sleep(saveEvery + time.Second)
		login("192.0.2.2/32")
		close(stop)
		<-ended
		if saved != 2 {
			t.Errorf("saved %d times", saved)
		}
		next, err := New(st)
		if err != nil || !next.Knows(netip.MustParsePrefix("192.0.2.1/32")) || !next.Knows(netip.MustParsePrefix("192.0.2.2/32")) {
			t.Errorf("places are lost: %v", err)
		}
		if a, err := st.Access.Uses("person"); err != nil || len(a.Networks) != 1 || a.Networks[0].Count != 2 {
			t.Errorf("access %+v, %v", a, err)
		}
	})
}
