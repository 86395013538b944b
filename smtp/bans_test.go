package smtp

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"relay/smtp/guard"
	"relay/store/behalf"
	"relay/store/people"
	"relay/store/secret"
)

// login tries to log in on a connection of its own and returns what the server
// says and how long it took.
func (f *fixture) login(from, user, password string) (reply string, took time.Duration) {
	c := f.dial(Implicit, from)
	defer func() { _ = c.conn.Close() }()
	if s := c.line(); s[:3] != "220" {
		return s, 0
	}
	c.do("EHLO me", "250 ")
	begin := time.Now()
	c.send("AUTH PLAIN " + plain(user, password) + "\r\n")
	return c.line(), time.Since(begin)
}

func (f *fixture) wantLogin(from, user, password, want string) {
	f.t.Helper()
	if got, _ := f.login(from, user, password); !strings.HasPrefix(got, want) {
		f.t.Errorf("%s as %s with %q hears %q, want %q", from, user, password, got, want)
	}
}

// addPerson adds the login person with the password pw, which is not generated.
func (f *fixture) addPerson() {
	f.t.Helper()
	c := people.Credential{Login: "person", Account: "acme", Kind: people.Password, Hash: secret.HashPassword("pw")}
	if err := f.st.People.AddCredential(behalf.Order{}, c); err != nil {
		f.t.Fatal(err)
	}
}

// A name that is guessed from many addresses is locked for strangers, whether
// there is such a login or not, and opens after its time.
func TestLimits_lock(t *testing.T) {
	cfg := Config{FailedLogins: 100, FailedLoginsPerLogin: 3, BanTime: time.Hour}
	for _, user := range []string{"person", "nobody"} {
		bubble(t, setup{cfg: cfg}, func(t *testing.T, f *fixture) {
			f.addPerson()
			for i, want := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second} {
				if got, d := f.login(fmt.Sprintf("192.0.2.%d", i+1), user, fmt.Sprint(i)); !strings.HasPrefix(got, "535 ") || d != want {
					t.Errorf("%s: failure %d: %q after %v, want it after %v", user, i, got, d, want)
				}
			}
			got, d := f.login("192.0.2.9", user, "pw")
			if want := "454 4.7.0 too many wrong passwords for this user name: try again in 60 min"; got != want {
				t.Errorf("%s: stranger hears %q", user, got)
			}
			if d != 500*time.Millisecond {
				t.Errorf("%s: stranger hears it after %v", user, d)
			}
			if b := f.srv.Guard().Bans(); len(b) != 1 || b[0].Login != user || b[0].Network.IsValid() || b[0].Failed != 3 {
				t.Errorf("bans %+v", b)
			}
			f.wantLogin("192.0.2.9", "other", "x", "535 ") // nobody else is
			time.Sleep(time.Hour)
			f.wantLogin("192.0.2.10", user, "x", "535 ")
			if user == "person" {
				f.wantLogin("192.0.2.10", user, "pw", "235 ")
			}
		})
	}
}

// A generated password that is right is no guess: a lock is not for it, and tells
// it apart from no other.
func TestLimits_lockOpensToAToken(t *testing.T) {
	cfg := Config{FailedLogins: 100, FailedLoginsPerLogin: 2}
	bubble(t, setup{cfg: cfg}, func(t *testing.T, f *fixture) {
		f.addPerson()
		for _, user := range []string{"acme", "person"} {
			f.wantLogin("203.0.113.1", user, "a", "535 ")
			f.wantLogin("203.0.113.2", user, "b", "535 ")
		}
		f.wantLogin("198.51.100.1", "acme", "x", "454 ")
		f.wantLogin("198.51.100.1", "acme", goodSecret, "235 ")
		f.wantLogin("198.51.100.1", "person", "pw", "454 ")
	})
}

// Guesses from all over a network ban it, but for addresses that a login came from;
// the operator sees the network, and lifts the ban by any address of it.
func TestLimits_networks(t *testing.T) {
	for _, c := range []struct {
		name, network string
		limit         int
		from          func(i int) string
		other         string
	}{
		{"an IPv4 /24", "192.0.2.0/24", 8, func(i int) string { return fmt.Sprintf("192.0.2.%d", 10+i) }, "192.0.3.1"},
		{"an IPv6 /56", "2001:db8:0:100::/56", 8, func(i int) string { return fmt.Sprintf("2001:db8:0:1%02x::1", 16+i) }, "2001:db8:0:200::1"},
		{"an IPv6 /48", "2001:db8::/48", 32, func(i int) string { return fmt.Sprintf("2001:db8:0:%02x00::1", 1+i) }, "2001:db8:1::1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := Config{FailedLogins: 100, FailedLoginsPerAddress: 2, FailedLoginsPerLogin: -1}
			bubble(t, setup{cfg: cfg}, func(t *testing.T, f *fixture) {
				f.wantLogin(c.from(200), "acme", goodSecret, "235 ")
				for i := range c.limit {
					f.wantLogin(c.from(i), "acme", fmt.Sprint(i), "535 ")
				}
				b := f.srv.Guard().Bans()
				if len(b) != 1 || b[0].Network.String() != c.network || b[0].Failed != c.limit {
					t.Fatalf("bans %+v", b)
				}
				if !strings.Contains(f.log.String(), `msg="network banned" component=smtp network=`+c.network) {
					t.Errorf("the log does not say so: %s", f.log)
				}
				f.wantLogin(c.from(100), "acme", goodSecret, "421 4.7.0 too many failed logins from your network: try again in 15 min")
				f.wantLogin(c.from(200), "acme", goodSecret, "235 ") // at home
				f.wantLogin(c.other, "acme", goodSecret, "235 ")
				if f.srv.Banned(netip.MustParseAddr(c.from(100))).IsZero() || !f.srv.Banned(netip.MustParseAddr(c.other)).IsZero() {
					t.Error("tokens are not shut out alike")
				}
				if !f.srv.Guard().LiftBan(netip.MustParseAddr(c.from(150))) || f.srv.Guard().Bans() != nil {
					t.Error("the ban is not lifted")
				}
				f.wantLogin(c.from(100), "acme", goodSecret, "235 ")
			})
		})
	}
}

// A lock shuts nobody out where the login came from before, nor loopback; what
// is wrong from there does not lock it.
func TestLimits_lockKnown(t *testing.T) {
	cfg := Config{FailedLogins: 100, FailedLoginsPerLogin: 3, FailedLoginsPerAddress: 100}
	bubble(t, setup{cfg: cfg}, func(t *testing.T, f *fixture) {
		f.addPerson()
		f.wantLogin("2001:db8::1", "person", "pw", "235 ")
		for i := range 10 { // at home, and on this machine
			f.wantLogin("2001:db8::2", "person", fmt.Sprint(i), "535 ")
			f.wantLogin("127.0.0.1", "person", fmt.Sprint(i), "535 ")
		}
		f.wantLogin("203.0.113.1", "person", "a", "535 ")
		if b := f.srv.Guard().Bans(); b != nil {
			t.Fatalf("bans %+v", b)
		}
		f.wantLogin("203.0.113.1", "person", "b", "535 ")
		f.wantLogin("203.0.113.1", "person", "c", "535 ")
		f.wantLogin("203.0.113.1", "person", "pw", "454 ")
		f.wantLogin("2001:db8::3", "person", "pw", "235 ")
		f.wantLogin("2001:db8::3", "person", "wrong", "535 ")
		f.wantLogin("127.0.0.1", "person", "pw", "235 ")
		f.wantLogin("2001:db8:0:1::1", "person", "pw", "454 ") // another /64
		if !f.srv.Guard().LiftLogin("person") || f.srv.Guard().LiftLogin("person") || f.srv.Guard().Bans() != nil {
			t.Error("the lock is not lifted")
		}
		f.wantLogin("203.0.113.1", "person", "pw", "235 ")
	})
}

// Guessing at a locked name counts for the address, until it is banned.
func TestLimits_lockedCounts(t *testing.T) {
	cfg := Config{FailedLogins: 100, FailedLoginsPerLogin: 1, FailedLoginsPerAddress: 3}
	bubble(t, setup{cfg: cfg}, func(t *testing.T, f *fixture) {
		f.wantLogin("192.0.2.1", "acme", "a", "535 ")
		f.wantLogin("192.0.2.1", "acme", "b", "454 ")
		f.wantLogin("192.0.2.1", "acme", "b", "454 ") // the same again
		f.wantLogin("192.0.2.1", "acme", "c", "454 ")
		f.wantLogin("192.0.2.1", "acme", "d", "421 4.7.0 too many failed logins from your address: try again in 15 min")
	})
}

// Each ban that follows another one within a day lasts twice as long, up to a day.
func TestLimits_grows(t *testing.T) {
	cfg := Config{FailedLogins: 100, FailedLoginsPerAddress: 2, FailedLoginsPerLogin: -1, BanTime: 5 * time.Hour, LoginDelay: -1}
	bubble(t, setup{cfg: cfg}, func(t *testing.T, f *fixture) {
		banned := func() time.Duration {
			f.wantLogin("192.0.2.1", "acme", "a", "535 ")
			f.wantLogin("192.0.2.1", "acme", "b", "535 ")
			b := f.srv.Guard().Bans()
			if len(b) != 1 {
				t.Fatalf("bans %+v", b)
			}
			return time.Until(b[0].Until)
		}
		for _, want := range []time.Duration{5 * time.Hour, 10 * time.Hour, 20 * time.Hour, 24 * time.Hour, 24 * time.Hour} {
			if got := banned(); got != want {
				t.Errorf("banned for %v, want %v", got, want)
			}
			time.Sleep(want)
			f.wantLogin("192.0.2.1", "acme", "a", "535 ") // counts anew
			if b := f.srv.Guard().Bans(); b != nil {
				t.Errorf("bans %+v", b)
			}
		}
		time.Sleep(48 * time.Hour)
		if got := banned(); got != 5*time.Hour {
			t.Errorf("after a good day banned for %v", got)
		}
	})
}

// Who was let in before the ban is not heard any more either, right or wrong.
func TestLimits_bannedLater(t *testing.T) {
	cfg := Config{FailedLogins: 100, FailedLoginsPerAddress: 2}
	for _, password := range []string{goodSecret, "c"} {
		bubble(t, setup{cfg: cfg}, func(t *testing.T, f *fixture) {
			open := f.dial(Implicit, "192.0.2.1")
			open.want("220 ")
			open.do("EHLO me", "250 ")
			f.wantLogin("192.0.2.1", "acme", "a", "535 ")
			f.wantLogin("192.0.2.1", "acme", "b", "535 ")
			begin := time.Now()
			open.do("AUTH PLAIN "+plain("acme", password), "421 4.7.0 too many failed logins from your address: try again in 15 min")
			if d := time.Since(begin); d != 500*time.Millisecond {
				t.Errorf("answered after %v", d)
			}
			open.want("<close>")
			_ = open.conn.Close()
		})
	}
}

// Of many guesses at once none is looked at before the others count: a lock that
// begins while a password is verified holds for it, right or wrong.
func TestLimits_lockedMeanwhile(t *testing.T) {
	for _, password := range []string{"pw", "wrong"} {
		bubble(t, setup{cfg: Config{FailedLoginsPerLogin: 1}}, func(t *testing.T, f *fixture) {
			f.addPerson()
			defer func(was chan struct{}) { secret.Hashing = was }(secret.Hashing)
			secret.Hashing = make(chan struct{}, 1)
			secret.Hashing <- struct{}{} // busy
			c := f.dial(Implicit, "192.0.2.1")
			c.want("220 ")
			c.do("EHLO me", "250 ")
			c.send("AUTH PLAIN " + plain("person", password) + "\r\n")
			synctest.Wait()
			a, err := f.srv.guard.Try(&guard.Attempt{User: "person", From: netip.MustParsePrefix("203.0.113.1/32"), Limits: f.srv.cfg().guardLimits()})
			if err != nil || a.Outcome != guard.Wrong || !a.Login.Begins {
				t.Errorf("no password: %+v, %v", a, err)
			}
			<-secret.Hashing
			c.want("454 4.7.0 too many wrong passwords for this user name")
			_ = c.conn.Close()
		})
	}
}

// A login without a name is nobody's to lock.
func TestLimits_noName(t *testing.T) {
	bubble(t, setup{cfg: Config{FailedLoginsPerLogin: 1}}, func(t *testing.T, f *fixture) {
		f.wantLogin("192.0.2.1", "", "a", "535 ")
		f.wantLogin("192.0.2.1", "", "b", "535 ")
		if b := f.srv.Guard().Bans(); b != nil {
			t.Errorf("bans %+v", b)
		}
	})
}

// A device with an old password is one failed login to tools that watch the log,
// as it is to us.
func TestLimits_logsAgain(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, f *fixture) {
		for range 5 {
			f.wantLogin("192.0.2.1", "acme", "old", "535 ")
		}
		f.wantLogin("192.0.2.1", "acme", "b", "535 ")
		text := f.log.String()
		if n := strings.Count(text, `msg="`+LoginFailed+`"`); n != 2 {
			t.Errorf("%d lines of failed logins: %s", n, text)
		}
		if n := strings.Count(text, `msg="login failed again"`); n != 1 {
			t.Errorf("%d lines of the same again: %s", n, text)
		}
	})
}

// With the defaults nobody locks a customer out from one address: it is banned
// before, for longer than its guesses count.
func TestLimits_oneAddressLocksNobody(t *testing.T) {
	bubble(t, setup{cfg: Config{LoginDelay: -1}}, func(t *testing.T, f *fixture) {
		for round := range 5 {
			for i := range f.srv.cfg().FailedLoginsPerAddress {
				f.wantLogin("192.0.2.1", "acme", fmt.Sprint(round, i), "535 ")
			}
			b := f.srv.Guard().Bans()
			if len(b) != 1 || !b[0].Network.IsValid() {
				t.Fatalf("round %d: bans %+v", round, b)
			}
			f.wantLogin(fmt.Sprintf("203.0.113.%d", round), "acme", goodSecret, "235 ")
			time.Sleep(time.Until(b[0].Until))
		}
	})
}
