package smtp

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pires/go-proxyproto"
)

// proxyHeader is one of version 1 or 2 for a client's address.
func proxyHeader(t *testing.T, version byte, from string) string {
	t.Helper()
	a := netip.AddrPortFrom(netip.MustParseAddr(from), 40000)
	to := &net.TCPAddr{IP: net.ParseIP("198.51.100.2"), Port: 465}
	if a.Addr().Is6() {
		to.IP = net.ParseIP("2001:db8::2")
	}
	b, err := proxyproto.HeaderProxyFromAddrs(version, net.TCPAddrFromAddrPort(a), to).Format()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const balancer = "198.51.100.1"

func proxied() Config {
	return Config{Proxies: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, FailedLogins: 100}
}

// through dials as a client of the balancer does.
func (f *fixture) through(mode Mode, version byte, from string) *client {
	c := f.behind(mode)
	c.send(proxyHeader(f.t.(*testing.T), version, from))
	if mode == Implicit {
		c.tls()
	}
	return c
}

// behind dials as the balancer does, and says nothing yet.
func (f *fixture) behind(mode Mode) *client {
	a, b := net.Pipe()
	f.ls[mode].ch <- &counted{Conn: b, from: &net.TCPAddr{IP: net.ParseIP(balancer), Port: 1}}
	c := &client{t: f.t, conn: a}
	c.listen()
	return c
}

// Limits and bans are the client's own, not the balancer's.
func TestProxy_limits(t *testing.T) {
	for _, version := range []byte{1, 2} {
		cfg := proxied()
		cfg.ConnectionsPerAddress, cfg.FailedLoginsPerAddress = 1, 2
		bubble(t, setup{cfg: cfg}, func(t *testing.T, f *fixture) {
			one := f.through(Implicit, version, "192.0.2.1")
			one.want("220 ")
			two := f.through(Implicit, version, "192.0.2.1")
			two.want("421 4.7.0 too many connections from your address")
			two.want("<close>")
			other := f.through(Implicit, version, "2001:db8::1")
			other.want("220 ")
			one.do("EHLO me", "250 ", "AUTH PLAIN "+plain("acme", "a"), "535 ", "AUTH PLAIN "+plain("acme", "b"), "535 ")
			one.want("421 ")
			for _, c := range []*client{one, two, other} {
				_ = c.conn.Close()
			}
			synctest.Wait()
			banned := f.through(StartTLS, version, "192.0.2.1")
			banned.want("421 4.7.0 too many failed logins from your address")
			_ = banned.conn.Close()
			synctest.Wait()
			if g := f.srv.gate; !g.Empty() {
				t.Errorf("left over: %+v", g)
			}
			if b := f.srv.Guard().Bans(); len(b) != 1 || b[0].Network.String() != "192.0.2.1/32" {
				t.Errorf("bans %+v", b)
			}
		})
	}
}

// The balancer itself is never banned nor counted, and what it says for itself
// needs no address.
func TestProxy_exempt(t *testing.T) {
	cfg := proxied()
	cfg.ConnectionsPerAddress, cfg.FailedLoginsPerAddress, cfg.FailedLoginsPerLogin = 1, 1, 1
	bubble(t, setup{cfg: cfg}, func(t *testing.T, f *fixture) {
		var all []*client
		for range 3 {
			c := f.dial(StartTLS, balancer)
			c.send("PROXY UNKNOWN\r\n")
			c.want("220 ")
			c.do("EHLO me", "250 ", "STARTTLS", "220 ")
			c.tls()
			c.do("EHLO me", "250 ", "AUTH PLAIN "+plain("acme", "a"), "535 ", "AUTH PLAIN "+plain("acme", goodSecret), "235 ")
			all = append(all, c)
		}
		if b := f.srv.Guard().Bans(); b != nil {
			t.Errorf("bans %+v", b)
		}
		for _, c := range all {
			_ = c.conn.Close()
		}
	})
}

// What is no header, or none of TCP, is closed without a word and logged once;
// somebody who only looks whether we are up is not logged.
func TestProxy_broken(t *testing.T) {
	unix := "\r\n\r\n\x00\r\nQUIT\n\x21\x31\x00\xd8" + strings.Repeat("\x00", 216)
	for name, text := range map[string]string{
		"mail":         "EHLO me\r\n",
		"no end":       "PROXY TCP4 192.0.2.1 " + strings.Repeat("1", 200),
		"bad address":  "PROXY TCP4 192.0.2.300 192.0.2.2 1 2\r\n",
		"half a line":  "PROXY TCP4",
		"unix socket":  unix,
		"UDP":          strings.Replace(proxyHeader(t, 2, "192.0.2.1"), "\x21\x11", "\x21\x12", 1),
		"too long":     "\r\n\r\n\x00\r\nQUIT\n\x21\x11\xff\xff" + strings.Repeat("x", 100),
		"version 3":    "\r\n\r\n\x00\r\nQUIT\n\x31\x11\x00\x00",
		"TLS":          "\x16\x03\x01\x02\x00\x01\x00",
		"nothing said": "",
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, setup{cfg: proxied()}, func(t *testing.T, f *fixture) {
				for range 3 {
					c := f.dial(StartTLS, balancer)
					if text != "" {
						go c.send(text) // the pipe may be closed in the middle
					}
					c.want("<close>")
					_ = c.conn.Close()
				}
				synctest.Wait()
				if n := strings.Count(f.log.String(), "no good PROXY header from a listed proxy"); n != 1 {
					t.Errorf("logged %d times: %s", n, f.log)
				}
				if f.srv.gate.Open() != 0 {
					t.Errorf("%d connections are left", f.srv.gate.Open())
				}
			})
		})
	}
	bubble(t, setup{cfg: proxied()}, func(t *testing.T, f *fixture) {
		_ = f.dial(StartTLS, balancer).conn.Close()
		synctest.Wait()
		if f.log.Len() > 0 {
			t.Errorf("logged: %s", f.log)
		}
	})
}

// A header that does not come holds up neither other connections nor the end.
func TestProxy_lazy(t *testing.T) {
	bubble(t, setup{cfg: proxied()}, func(t *testing.T, f *fixture) {
		silent := f.dial(StartTLS, balancer)
		begin := time.Now()
		c := f.dial(StartTLS, "192.0.2.1")
		c.want("220 ")
		if d := time.Since(begin); d != 0 {
			t.Errorf("greeted after %v", d)
		}
		f.halt()
		silent.want("<close>")
		if d := time.Since(begin); d != 0 {
			t.Errorf("ended after %v", d)
		}
		_ = c.conn.Close()
		_ = silent.conn.Close()
	})
}

// Over the limit of all connections a client behind a balancer is told, in TLS
// as well: its header is read before.
func TestProxy_busy(t *testing.T) {
	cfg := proxied()
	cfg.Connections = 1
	bubble(t, setup{cfg: cfg}, func(t *testing.T, f *fixture) {
		one := f.dial(StartTLS, "192.0.2.1")
		one.want("220 ")
		two := f.behind(Implicit)
		two.send(proxyHeader(t, 2, "192.0.2.2"))
		two.tls()
		two.want("421 4.7.0 too many connections: ")
		_ = one.conn.Close()
		_ = two.conn.Close()
	})
}

// Header and TLS hello may come in one piece.
func TestProxy_onePiece(t *testing.T) {
	for _, version := range []byte{1, 2} {
		bubble(t, setup{cfg: proxied()}, func(t *testing.T, f *fixture) {
			c := f.behind(Implicit)
			glued := &glue{readFrom: readFrom{c.conn, c.r}, first: proxyHeader(t, version, "192.0.2.1")}
			conn := tls.Client(glued, &tls.Config{InsecureSkipVerify: true, ServerName: "relay.example"})
			if err := conn.Handshake(); err != nil {
				t.Fatal(err)
			}
			c.conn = conn
			c.listen()
			c.login()
			c.envelope()
			c.send("a: b\r\n\r\n.\r\n")
			c.want("250 2.0.0 queued")
			_ = c.conn.Close()
			if ms, _ := f.spooled(); len(ms) != 1 || ms[0].Client != "192.0.2.1" {
				t.Errorf("stored %+v", ms)
			}
		})
	}
}

// A header may come in pieces.
func TestProxy_pieces(t *testing.T) {
	for _, version := range []byte{1, 2} {
		bubble(t, setup{cfg: proxied()}, func(t *testing.T, f *fixture) {
			c := f.behind(StartTLS)
			for text := proxyHeader(t, version, "192.0.2.1") + "EHLO me\r\n"; text != ""; text = text[1:] {
				c.send(text[:1])
				synctest.Wait()
			}
			c.want("220 ")
			c.want("250 ")
			_ = c.conn.Close()
		})
	}
}

// A defect in what reads the header costs one connection, not the relay.
func TestProxy_panic(t *testing.T) {
	bubble(t, setup{cfg: proxied()}, func(t *testing.T, f *fixture) {
		a, b := net.Pipe()
		f.ls[StartTLS].ch <- &counted{Conn: defect{b}, from: &net.TCPAddr{IP: net.ParseIP(balancer), Port: 1}}
		synctest.Wait()
		c := f.through(StartTLS, 1, "192.0.2.1")
		c.want("220 ")
		if !strings.Contains(f.log.String(), "session panicked") || f.srv.gate.Open() != 1 {
			t.Errorf("%d connections, logged: %s", f.srv.gate.Open(), f.log)
		}
		_ = c.conn.Close()
		_ = a.Close()
	})
}

type defect struct{ net.Conn }

func (defect) Read([]byte) (int, error) { panic("a defect") }

// glue sends something in one piece with the first write.
type glue struct {
	readFrom
	first string
}

func (g *glue) Write(b []byte) (int, error) {
	if _, err := g.Conn.Write(append([]byte(g.first), b...)); err != nil {
		return 0, err
	}
	g.first = ""
	return len(b), nil
}

// Settings change for connections that begin after it, while others are open and
// begin.
func TestServer_Reconfigure(t *testing.T) {
	bubble(t, setup{cfg: Config{MaxMessage: 1000}}, func(t *testing.T, f *fixture) {
		old := f.dial(Implicit, "192.0.2.1")
		old.login()
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := range 50 {
				f.srv.Reconfigure(Config{Hostname: "else.example", MaxMessage: int64(1000 + i), Errors: 3, ConnectionsPerAddress: 2})
			}
		}()
		for range 50 {
			c := f.dial(StartTLS, "203.0.113.1")
			c.want("2") // or 421, as some close a moment later
			_ = c.conn.Close()
			synctest.Wait()
		}
		<-done
		f.srv.Reconfigure(Config{MaxMessage: 2000, ConnectionsPerAddress: 2, FailedLoginsPerAddress: 1, Proxies: proxied().Proxies})
		fresh := f.dial(Implicit, "192.0.2.1")
		fresh.want("220 relay.example ")
		fresh.send("EHLO me\r\n")
		var said []string
		for s := ""; !strings.HasPrefix(s, "250 "); {
			s = fresh.line()
			said = append(said, s)
		}
		if !strings.Contains(fmt.Sprint(said), "250-SIZE 2000 ") {
			t.Errorf("EHLO says %q", said)
		}
		old.do("MAIL FROM:<a@b.example> SIZE=1500", "552 5.3.4")
		fresh.do("AUTH PLAIN "+plain("acme", goodSecret), "235 ", "MAIL FROM:<a@b.example> SIZE=1500", "250 ")
		third := f.dial(Implicit, "192.0.2.1")
		third.want("421 4.7.0 too many connections from your address")
		behind := f.through(StartTLS, 1, "192.0.2.77")
		behind.want("220 ")
		f.wantLogin("192.0.2.99", "acme", "x", "535 ")
		f.wantLogin("192.0.2.99", "acme", "x", "421 ")
		for _, c := range []*client{old, fresh, third, behind} {
			_ = c.conn.Close()
		}
	})
}
