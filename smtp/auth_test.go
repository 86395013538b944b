package smtp

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"relay/quota"
	"relay/smtp/wire"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/orders"
	"relay/store/people"
	"relay/store/secret"
)

// A device with an old password, and a name that nobody has, cost one hash each and
// count once.
func TestAuth_wrongAgainIsNotHashed(t *testing.T) {
	for _, user := range []string{"acme", "person", "nobody"} {
		bubble(t, setup{cfg: Config{FailedLogins: 100}}, func(t *testing.T, f *fixture) {
			f.addPerson()
			var hashed atomic.Int64
			f.srv.guard.CheckBy(func(c people.Credential, goodSecret string) bool { hashed.Add(1); return secret.Verify(c, goodSecret) })
			for i := range 20 {
				if got, d := f.login("192.0.2.1", user, "old"); got != "535 5.7.8 wrong user name or password" || d != 500*time.Millisecond {
					t.Errorf("%s, %d: %q after %v", user, i, got, d)
				}
			}
			if hashed.Load() != 1 {
				t.Errorf("%s: %d hashes", user, hashed.Load())
			}
			limits := f.srv.cfg().guardLimits()
			if next, _ := f.srv.guard.WrongToken(&limits, wire.Site(netip.MustParseAddr("192.0.2.1")), "another"); next.Failed != 2 {
				t.Errorf("%s: counted %d times", user, next.Failed-1)
			}
			f.wantLogin("192.0.2.2", "acme", goodSecret, "235 ")
			if hashed.Load() != 1 {
				t.Error("a generated password that is right is hashed slowly")
			}
		})
	}
}

// A wrong password and an unknown user are answered alike, at the same time.
func TestAuth_tellsNothing(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, f *fixture) {
		f.addPerson()
		for _, user := range []string{"acme", "person", "nobody", ""} {
			c := f.dial(Implicit, "127.0.0.1")
			c.want("220 ")
			c.do("EHLO me", "250 ")
			begin := time.Now()
			c.send("AUTH PLAIN " + plain(user, "wrong") + "\r\n")
			if got, want := c.line(), "535 5.7.8 wrong user name or password"; got != want {
				t.Errorf("%q: %q", user, got)
			}
			if d := time.Since(begin); d != f.srv.cfg().LoginDelay {
				t.Errorf("%q: after %v", user, d)
			}
			_ = c.conn.Close()
		}
	})
}

func TestAuth_noDelay(t *testing.T) {
	bubble(t, setup{cfg: Config{LoginDelay: -1}}, func(t *testing.T, f *fixture) {
		c := f.dial(Implicit, "192.0.2.1")
		c.want("220 ")
		begin := time.Now()
		c.do("EHLO me", "250 ", "AUTH PLAIN "+plain("acme", "wrong"), "535 ")
		if d := time.Since(begin); d != 0 {
			t.Errorf("after %v", d)
		}
		_ = c.conn.Close()
	})
}

// The failed login's line has the address and no password.
func TestAuth_log(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, f *fixture) {
		c := f.dial(Implicit, "192.0.2.9")
		c.want("220 ")
		c.do("EHLO me", "250 ", "AUTH PLAIN "+plain("acme", "hunter2"), "535 ", "AUTH PLAIN "+plain("acme", goodSecret), "235 ", "QUIT", "221 ")
		text := f.log.String()
		if !strings.Contains(text, `msg="`+LoginFailed+`"`) || !strings.Contains(text, "remote=192.0.2.9 login=acme") {
			t.Errorf("log %q", text)
		}
		if strings.Contains(text, "hunter2") || strings.Contains(text, goodSecret) {
			t.Errorf("password in the log: %q", text)
		}
	})
}

// A credential that was revoked or changed stops at the next MAIL, or, after MAIL, at
// the end of the message.
func TestAuth_revoked(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, f *fixture) {
		token, hash := secret.NewToken()
		cred := people.Credential{Login: "printer", Account: "acme", Kind: people.Token, Hash: hash}
		add := func() {
			if err := f.st.People.AddCredential(behalf.Order{}, cred); err != nil {
				t.Fatal(err)
			}
		}
		remove := func() {
			if err := f.st.People.RemoveCredential(behalf.Order{}, "acme", "printer"); err != nil {
				t.Fatal(err)
			}
		}
		add()
		c := f.dial(Implicit, "192.0.2.1")
		c.want("220 ")
		c.do("EHLO me", "250 ", "AUTH PLAIN "+plain("printer", token), "235 ")
		c.envelope()
		remove()
		c.do(".", "550 5.7.1 this login was revoked", "MAIL FROM:<a@b.example>", "550 5.7.1 this login was revoked")
		_, cred.Hash = secret.NewToken()
		add()
		c.do("MAIL FROM:<a@b.example>", "550 5.7.1 this login was revoked")
		cred.Hash = hash
		remove()
		add()
		c.envelope()
		_, cred.Hash = secret.NewToken()
		remove()
		add()
		c.do(".", "550 5.7.1 this login was revoked")
		cred.Hash = hash
		remove()
		add()
		c.do("MAIL FROM:<a@b.example>", "250 ", "QUIT", "221 ")
		if n := f.charged().Messages; n != 0 {
			t.Errorf("charged %d", n)
		}
	})
}

// A login that is held stops at the next MAIL or the end of the message, with the reason. It
// cannot log in, as if its password were wrong, which counts for nothing. Others go on.
func TestAuth_held(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, f *fixture) {
		token, hash := secret.NewToken()
		if err := f.st.People.AddCredential(behalf.Order{}, people.Credential{Login: "printer", Account: "acme", Kind: people.Token, Hash: hash}); err != nil {
			t.Fatal(err)
		}
		c := f.dial(Implicit, "192.0.2.1")
		c.want("220 ")
		c.do("EHLO me", "250 ", "AUTH PLAIN "+plain("printer", token), "235 ")
		c.envelope()
		if _, err := f.st.HoldLogin(behalf.Order{}, "acme", "printer", people.LoginHold{Holder: people.HeldByOperator, Reason: "lost"}); err != nil {
			t.Fatal(err)
		}
		const why = "550 5.7.1 login printer is held, lost: log in with another one"
		c.do(".", why, "MAIL FROM:<a@b.example>", why, "QUIT", "221 ")
		for range 30 { // more than ban an address
			d := f.dial(Implicit, "192.0.2.1")
			d.want("220 ")
			begin := time.Now()
			d.do("EHLO me", "250 ", "AUTH PLAIN "+plain("printer", token), "535 5.7.8 wrong user name or password")
			if took := time.Since(begin); took != 500*time.Millisecond {
				t.Fatalf("answered after %v", took)
			}
			d.do("AUTH PLAIN "+plain("acme", goodSecret), "235 ", "QUIT", "221 ")
		}
		if text := f.log.String(); !strings.Contains(text, "login refused while it is held") || strings.Contains(text, LoginFailed) {
			t.Errorf("log %s", text)
		}
		if _, _, err := f.st.ResumeLogin(behalf.Order{}, "acme", "printer", people.HeldByOperator); err != nil {
			t.Fatal(err)
		}
		d := f.dial(Implicit, "192.0.2.1")
		d.want("220 ")
		d.do("EHLO me", "250 ", "AUTH PLAIN "+plain("printer", token), "235 ", "MAIL FROM:<a@b.example>", "250 ", "QUIT", "221 ")
	})
}

// A network that was taken away, or belongs to another account now, stops at the next
// MAIL, or, after MAIL, at the end of the message.
func TestNetwork_removed(t *testing.T) {
	bubble(t, setup{network: "192.0.2.0/24"}, func(t *testing.T, f *fixture) {
		c := f.dial(StartTLS, "192.0.2.1")
		c.want("220 ")
		c.do("EHLO me", "250 ", "MAIL FROM:<a@b.example>", "250 ", "RSET", "250 ")
		if err := f.st.People.RemoveNetwork("acme", netip.MustParsePrefix("192.0.2.0/24")); err != nil {
			t.Fatal(err)
		}
		c.do("MAIL FROM:<a@b.example>", "530 5.7.0", "QUIT", "221 ")
	})
	for _, moved := range []bool{false, true} {
		bubble(t, setup{network: "192.0.2.0/24"}, func(t *testing.T, f *fixture) {
			c := f.dial(StartTLS, "192.0.2.1")
			c.want("220 ")
			c.do("EHLO me", "250 ")
			c.envelope()
			if err := f.st.People.RemoveNetwork("acme", netip.MustParsePrefix("192.0.2.0/24")); err != nil {
				t.Fatal(err)
			}
			if moved {
				other := orders.NewAccount{Account: books.Account{Name: "other"}, Plan: quota.Plan{Name: "p", Term: quota.Year}}
				_, err := f.st.Orders.AddAccount(behalf.Order{}, other)
				if err = errors.Join(err, f.st.People.AddNetwork(people.Network{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Account: "other"})); err != nil {
					t.Fatal(err)
				}
			}
			c.do(".", "550 5.7.1 this network may not send for the account any more: log in", "QUIT", "221 ")
			if n := f.charged().Messages; n != 0 {
				t.Errorf("charged %d", n)
			}
		})
	}
}

func TestLimits_connections(t *testing.T) {
	for _, c := range []struct {
		name  string
		cfg   Config
		from  []string
		reply string // to the last one
	}{
		{"in all", Config{Connections: 2}, []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"}, "421 4.7.0 too many connections: "},
		{"per address", Config{ConnectionsPerAddress: 1}, []string{"192.0.2.1", "192.0.2.1"}, "421 4.7.0 too many connections from your address"},
		{"another address", Config{ConnectionsPerAddress: 1}, []string{"192.0.2.1", "192.0.2.2"}, "220 "},
		{"per IPv6 /64", Config{ConnectionsPerAddress: 1}, []string{"2001:db8::1", "2001:db8::2"}, "421 4.7.0 too many connections from your address"},
		{"another /64", Config{ConnectionsPerAddress: 1}, []string{"2001:db8::1", "2001:db8:0:1::1"}, "220 "},
		{"IPv4 in IPv6", Config{ConnectionsPerAddress: 1}, []string{"192.0.2.1", "::ffff:192.0.2.1"}, "421 4.7.0"},
		{"loopback", Config{ConnectionsPerAddress: 1}, []string{"127.0.0.1", "127.0.0.1"}, "220 "},
		{"no limit", Config{ConnectionsPerAddress: -1}, []string{"192.0.2.1", "192.0.2.1"}, "220 "},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, setup{cfg: c.cfg}, func(t *testing.T, f *fixture) {
				var all []*client
				for i, from := range c.from {
					cl := f.dial(Implicit, from)
					all = append(all, cl)
					if i < len(c.from)-1 {
						cl.want("220 ")
						continue
					}
					cl.want(c.reply)
					if c.reply[0] == '4' {
						cl.want("<close>")
					}
				}
				for _, cl := range all {
					_ = cl.conn.Close()
				}
				synctest.Wait()
				again := f.dial(Implicit, c.from[0])
				again.want("220 ") // all of them were counted out
				_ = again.conn.Close()
				synctest.Wait()
				if g := f.srv.gate; !g.Empty() {
					t.Errorf("left over: %+v", g)
				}
			})
		})
	}
}

func TestLimits_account(t *testing.T) {
	bubble(t, setup{cfg: Config{ConnectionsPerAccount: 1}}, func(t *testing.T, f *fixture) {
		one, two := f.dial(Implicit, "192.0.2.1"), f.dial(Implicit, "192.0.2.2")
		one.login()
		two.want("220 ")
		two.do("EHLO me", "250 ", "AUTH PLAIN "+plain("acme", goodSecret), "421 4.7.0 too many connections of this account")
		two.want("<close>")
		one.do("QUIT", "221 ")
		synctest.Wait()
		three := f.dial(Implicit, "192.0.2.2")
		three.login()
		_ = one.conn.Close()
		_ = two.conn.Close()
		_ = three.conn.Close()
	})
}

// Failed logins are answered ever later; too many different ones ban an address
// for a time, never loopback; the operator can list and lift bans.
func TestLimits_bans(t *testing.T) {
	cfg := Config{FailedLogins: 100, FailedLoginsPerAddress: 3, BanTime: time.Hour}
	wrong := func(f *fixture, from, password string) (reply string, took time.Duration) {
		c := f.dial(Implicit, from)
		defer func() { _ = c.conn.Close() }()
		if s := c.line(); s[:3] != "220" {
			return s, 0
		}
		c.do("EHLO me", "250 ")
		begin := time.Now()
		c.send("AUTH PLAIN " + plain("acme", password) + "\r\n")
		return c.line(), time.Since(begin)
	}
	bubble(t, setup{cfg: cfg}, func(t *testing.T, f *fixture) {
		for range 5 { // the same again counts once
			if _, d := wrong(f, "192.0.2.1", "a"); d != 500*time.Millisecond {
				t.Errorf("waited %v", d)
			}
		}
		if _, d := wrong(f, "192.0.2.1", "b"); d != time.Second {
			t.Errorf("waited %v", d)
		}
		if _, d := wrong(f, "192.0.2.1", "c"); d != 2*time.Second {
			t.Errorf("waited %v", d)
		}
		if s, _ := wrong(f, "192.0.2.1", "d"); !strings.HasPrefix(s, "421 4.7.0 too many failed logins") {
			t.Errorf("banned address hears %q", s)
		}
		bans := f.srv.Guard().Bans()
		if len(bans) != 1 || bans[0].Network.String() != "192.0.2.1/32" || bans[0].Failed != 3 {
			t.Errorf("bans %+v", bans)
		}
		if !f.srv.Guard().LiftBan(netip.MustParseAddr("192.0.2.1")) || f.srv.Guard().LiftBan(netip.MustParseAddr("192.0.2.1")) || f.srv.Guard().Bans() != nil {
			t.Error("the ban is not lifted")
		}
		for _, p := range []string{"a", "b", "c"} {
			wrong(f, "2001:db8::1", p)
		}
		if s, _ := wrong(f, "2001:db8::2", "d"); !strings.HasPrefix(s, "421 ") {
			t.Errorf("its /64 hears %q", s)
		}
		time.Sleep(time.Hour)
		if s, d := wrong(f, "2001:db8::2", "d"); s[:3] != "535" || d > 2*time.Second {
			t.Errorf("after the ban %q, %v", s, d)
		}
		for _, p := range []string{"a", "b", "c", "d"} {
			if s, _ := wrong(f, "127.0.0.1", p); s[:3] != "535" {
				t.Errorf("loopback hears %q", s)
			}
		}
	})
}

func TestServer_needsTLS(t *testing.T) {
	f := start(t, setup{})
	defer f.stop()
	s, err := New(f.st, Config{Hostname: "relay.example"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context(), []Listener{{newPipes(), StartTLS}}); err == nil {
		t.Error("a listener with STARTTLS and no certificate runs")
	}
	if _, err := New(f.st, Config{Hostname: "not a name"}, nil); err == nil {
		t.Error("a host name that is none is taken")
	}
}

func TestServer_oldTLS(t *testing.T) {
	f := start(t, setup{})
	defer f.stop()
	if f.srv.cfg().tls.MinVersion < 0x0303 {
		t.Errorf("TLS from %x", f.srv.cfg().tls.MinVersion)
	}
	if !bytes.Contains(f.srv.cfg().hello(StartTLS, false), []byte("STARTTLS")) || bytes.Contains(f.srv.cfg().hello(None, false), []byte("AUTH")) {
		t.Error("wrong extensions")
	}
}
