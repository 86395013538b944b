package mailer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"relay/mailer/client"
	"relay/mailer/route"
	"relay/mailer/settings"
	"relay/store/spooled"
)

// certificate is self-signed for a host, and the pool that trusts it.
func certificate(t *testing.T, host string) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: host},
		DNSNames:              []string{host},
		NotBefore:             time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, pool
}

// A certificate whose names hold line ends forges no lines in what is kept of a failure, and
// one with long names makes nothing long.
func TestTLS_HostileCertificate(t *testing.T) {
	for name, cfg := range map[string]settings.Config{
		"route":   {Routes: map[string]route.Route{"example.test": {TLS: client.TLSRequired}}},
		"mta-sts": {MTASTS: true, Policies: &publisher{text: map[string]string{"example.test": stsPolicy("enforce", time.Hour, "mx.example.test")}}},
	} {
		t.Run(name, func(t *testing.T) {
			mine, pool := certificate(t, "evil\r\nS: 250 taken\n\x1b[31m."+strings.Repeat("x", 20_000))
			cfg.RootCAs = pool
			inWorld(t, cfg, func(w *world) {
				w.host("example.test").tls = mine
				w.publishes("example.test", "1")
				id := w.send("you@example.test")
				w.run(time.Minute)
				said, err := w.store.Trace.Dialogues(id)
				if err != nil || len(said) == 0 {
					t.Fatal(said, err)
				}
				for _, text := range []string{w.rcpt(id, 0).Reply, strings.ReplaceAll(string(said[0].Lines), "\n", "")} {
					if len(text) > 2000 || strings.ContainsFunc(text, unicode.IsControl) {
						t.Errorf("%d octets: %.500q", len(text), text)
					}
				}
				if strings.Contains(string(said[0].Lines), "\nS: 250 taken") {
					t.Errorf("forged: %.500q", said[0].Lines)
				}
			})
		})
	}
}

func TestTLS_Opportunistic(t *testing.T) {
	inWorld(t, settings.Config{}, func(w *world) {
		h := w.host("example.test")
		h.tls, _ = certificate(t, "another.test") // nobody looks at it
		id := w.send("you@example.test")
		w.run(time.Minute)
		if got := h.messages(); len(got) != 1 || !got[0].tls {
			t.Errorf("got %+v", got)
		}
		if e := w.attempts(id); len(e) != 1 || e[0].TLS == "" {
			t.Errorf("trace %+v", e)
		}
	})
}

// A broken handshake costs a second connection, and no attempt.
func TestTLS_Broken(t *testing.T) {
	inWorld(t, settings.Config{SiteConnections: 1, MessagesPerConnection: 1}, func(w *world) {
		h := w.host("example.test")
		h.tls = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return nil, tls.AlertError(80)
		}}
		id, other := w.send("you@example.test"), w.send("you@example.test")
		w.run(time.Minute)
		for _, id := range []spooled.ID{id, other} {
			if n := len(w.attempts(id)); !w.gone(id) || n != 1 {
				t.Errorf("%d attempts, gone %v", n, w.gone(id))
			}
		}
		if n := h.connections(); n != 4 {
			t.Errorf("%d connections, want 4", n)
		}
	})
}

func TestTLS_Required(t *testing.T) {
	ext := []string{"PIPELINING", "8BITMIME", "SMTPUTF8", "REQUIRETLS"}
	for _, c := range []struct {
		name     string
		host     string // in the certificate; "": no TLS
		ext      []string
		state    spooled.State
		reply    string
		messages int
	}{
		{"offered", "mx.example.test", ext, spooled.Delivered, "250", 2},
		{"certificate of another host", "another.test", ext, spooled.Failed, "550 5.7.30", 1},
		{"no STARTTLS", "", ext, spooled.Failed, "550 5.7.30", 1},
		{"no REQUIRETLS", "mx.example.test", ext[:2], spooled.Failed, "5.7.30", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			good, pool := certificate(t, "mx.example.test")
			inWorld(t, settings.Config{RootCAs: pool, SiteConnections: 1, DANE: true}, func(w *world) {
				h := w.host("example.test")
				w.proves("example.test")
				h.ext = c.ext
				switch c.host {
				case "":
				case "mx.example.test":
					h.tls = good
				default:
					h.tls, _ = certificate(t, c.host)
				}
				m := message("you@example.test")
				m.RequireTLS = true
				plain := w.send("you@example.test")
				id := w.accept(m)
				w.run(time.Minute)
				w.wantFinal(id, "you@example.test", c.state, c.reply)
				w.wantFinal(plain, "you@example.test", spooled.Delivered, "250")
				if n := len(h.messages()); n != c.messages {
					t.Errorf("%d messages, want %d", n, c.messages)
				}
			})
		})
	}
}

// A smarthost that must be spoken to with TLS gets nothing without.
func TestTLS_RouteDemandsIt(t *testing.T) {
	cfg := settings.Config{}
	cfg.Smarthost.Host, cfg.Smarthost.TLS = "mx.hub.test", client.TLSRequired
	inWorld(t, cfg, func(w *world) {
		h := w.host("hub.test")
		id := w.send("you@example.test")
		w.run(time.Minute)
		if len(h.messages()) != 0 {
			t.Error("sent in the clear")
		}
		w.wantFinal(id, "you@example.test", spooled.Deferred, "4.7.10")
	})
}

// A message that needs TLS at a host whose TLS is broken waits alone: the site
// goes on for all others.
func TestTLS_RequiredAndBroken(t *testing.T) {
	inWorld(t, settings.Config{SiteConnections: 1, DANE: true}, func(w *world) {
		h := w.host("example.test")
		w.proves("example.test")
		h.tls = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return nil, tls.AlertError(80)
		}}
		m := message("you@example.test")
		m.RequireTLS = true
		id := w.accept(m)
		w.start()
		w.pass(time.Second)
		plain := w.send("you@example.test")
		w.pass(time.Minute)
		w.wantFinal(plain, "you@example.test", spooled.Delivered, "250")
		w.wantFinal(id, "you@example.test", spooled.Deferred, "451 4.7.5")
		if n := len(h.messages()); n != 1 {
			t.Errorf("%d messages, want 1", n)
		}
	})
}

// A message that needs REQUIRETLS goes to the first host that has it (RFC 8689
// §4.2.1), also when the one before has a good certificate.
func TestTLS_RequiredAtTheSecondHost(t *testing.T) {
	goodA, pool := certificate(t, "mx.a.test")
	goodB, _ := certificate(t, "mx.b.test")
	certB, err := x509.ParseCertificate(goodB.Certificates[0].Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(certB)
	inWorld(t, settings.Config{RootCAs: pool, DANE: true}, func(w *world) {
		w.proves("example.test")
		a, b := w.host("a.test"), w.host("b.test")
		a.ext, b.ext = []string{"PIPELINING"}, []string{"PIPELINING", "REQUIRETLS"}
		a.tls, b.tls = goodA, goodB
		w.point("example.test", "mx.a.test", "mx.b.test")
		m := message("you@example.test")
		m.RequireTLS = true
		id := w.accept(m)
		w.run(time.Minute)
		w.wantFinal(id, "you@example.test", spooled.Delivered, "250")
		if len(a.messages()) != 0 || len(b.messages()) != 1 {
			t.Errorf("%d and %d messages", len(a.messages()), len(b.messages()))
		}
	})
}

// A smarthost that must be spoken to with TLS and has a wrong certificate is out
// of order: that is not the fault of a message that asks for TLS.
func TestTLS_RequiredOverABrokenRoute(t *testing.T) {
	cfg := settings.Config{}
	cfg.Smarthost.Host, cfg.Smarthost.TLS = "mx.hub.test", client.TLSRequired
	inWorld(t, cfg, func(w *world) {
		h := w.host("hub.test")
		h.tls, _ = certificate(t, "another.test")
		m := message("you@example.test")
		m.RequireTLS = true
		id := w.accept(m)
		w.run(time.Minute)
		w.wantFinal(id, "you@example.test", spooled.Deferred, "4.7.5")
	})
}

// Two routes to one host keep their own terms.
func TestTLS_RoutesOfOneHost(t *testing.T) {
	cfg := settings.Config{SiteConnections: 1, Routes: map[string]route.Route{
		"secret.test": {Host: "mx.hub.test", TLS: client.TLSRequired},
	}}
	cfg.Smarthost = route.Route{Host: "mx.hub.test"}
	inWorld(t, cfg, func(w *world) {
		h := w.host("hub.test") // has no TLS
		w.start()
		w.pass(time.Second)
		for range 3 {
			w.send("you@secret.test")
			w.send("you@open.test")
		}
		w.pass(time.Minute)
		for _, m := range h.messages() {
			if m.to[0] == "you@secret.test" {
				t.Error("sent in the clear")
			}
		}
		if len(h.messages()) != 3 {
			t.Errorf("%d messages, want 3", len(h.messages()))
		}
	})
}

// Nor does a message that finds no safe host stop the mail that needs none.
func TestTLS_RequiredAndOneHostDown(t *testing.T) {
	inWorld(t, settings.Config{DANE: true}, func(w *world) {
		w.proves("example.test")
		h := w.host("a.test") // has no TLS
		w.dead("b.test")
		w.point("example.test", "mx.a.test", "mx.b.test")
		m := message("you@example.test")
		m.RequireTLS = true
		id := w.accept(m)
		w.start()
		w.pass(time.Second)
		w.send("you@example.test")
		w.pass(time.Minute)
		w.wantFinal(id, "you@example.test", spooled.Deferred, "4.4.1")
		if n := len(h.messages()); n != 1 {
			t.Errorf("%d messages, want 1", n)
		}
	})
}

// Clear text is for the message whose handshake failed: the next one gets TLS.
func TestTLS_OneBrokenHandshake(t *testing.T) {
	inWorld(t, settings.Config{SiteConnections: 1}, func(w *world) {
		h := w.host("example.test")
		good, _ := certificate(t, "mx.example.test")
		var breaks atomic.Int32
		h.tls = &tls.Config{SessionTicketsDisabled: true, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if breaks.Add(-1) >= 0 {
				return nil, tls.AlertError(80)
			}
			return &good.Certificates[0], nil
		}}
		sent := func(n int) (clear, safe int) {
			t.Helper()
			before := len(h.messages())
			for range n {
				w.send("you@example.test")
			}
			w.pass(10 * time.Second)
			all := h.messages()[before:]
			for _, m := range all {
				if m.tls {
					safe++
				} else {
					clear++
				}
			}
			return clear, safe
		}
		w.start()
		breaks.Store(1)
		if clear, safe := sent(20); clear != 1 || safe != 19 {
			t.Errorf("one broken: %d in the clear, %d with TLS", clear, safe)
		}
		breaks.Store(2)
		if clear, safe := sent(20); clear != 2 || safe != 18 {
			t.Errorf("two broken: %d in the clear, %d with TLS", clear, safe)
		}
		breaks.Store(3)
		if clear, safe := sent(20); clear != 20 || safe != 0 {
			t.Errorf("three broken in a row: %d in the clear, %d with TLS", clear, safe)
		}
		w.pass(2 * time.Hour) // forgotten
		if clear, safe := sent(20); clear != 0 || safe != 20 {
			t.Errorf("later: %d in the clear, %d with TLS", clear, safe)
		}
	})
}

// So is the clear text of a STARTTLS that was offered and refused.
func TestTLS_RefusedSTARTTLS(t *testing.T) {
	inWorld(t, settings.Config{SiteConnections: 1}, func(w *world) {
		h := w.host("example.test")
		h.tls, _ = certificate(t, "mx.example.test")
		h.say = func(x *exchange) string {
			if x.verb == "STARTTLS" && x.conn == 1 {
				return "454 4.7.0 not now"
			}
			return ""
		}
		for range 10 {
			w.send("you@example.test")
		}
		w.run(time.Minute)
		clear := 0
		for _, m := range h.messages() {
			if !m.tls {
				clear++
			}
		}
		if n := len(h.messages()); n != 10 || clear != 1 {
			t.Errorf("%d messages, %d in the clear", n, clear)
		}
	})
}
