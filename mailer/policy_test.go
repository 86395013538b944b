package mailer

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"relay/mailer/client"
	"relay/mailer/route"
	"relay/mailer/settings"
	"relay/store/spooled"
)

// publisher gives out policies of MTA-STS as a web server would.
type publisher struct {
	mu   sync.Mutex
	text map[string]string // by domain
	slow time.Duration
}

func (p *publisher) Fetch(ctx context.Context, domain string) ([]byte, error) {
	p.mu.Lock()
	text, ok := p.text[domain]
	p.mu.Unlock()
	select {
	case <-time.After(p.slow):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if !ok {
		return nil, errors.New("404 Not Found")
	}
	return []byte(text), nil
}

func (p *publisher) says(domain, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text[domain] = text
}

// stsPolicy is the text of a policy.
func stsPolicy(mode string, age time.Duration, mx ...string) string {
	return fmt.Sprintf("version: STSv1\r\nmode: %s\r\nmax_age: %d\r\nmx: %s\r\n", mode, int(age.Seconds()), strings.Join(mx, "\r\nmx: "))
}

// publishes has a domain show that it has a policy.
func (w *world) publishes(domain, id string) {
	w.dns.mu.Lock()
	defer w.dns.mu.Unlock()
	if w.dns.proof.txt == nil {
		w.dns.proof.txt = map[string][]string{}
	}
	if id == "" {
		delete(w.dns.proof.txt, "_mta-sts."+domain)
		return
	}
	w.dns.proof.txt["_mta-sts."+domain] = []string{"v=STSv1; id=" + id + ";"}
}

// pins has DNSSEC prove a domain and its host, and give the host TLSA records.
func (w *world) pins(domain string, list ...route.TLSA) {
	w.proves(domain, "mx."+domain)
	w.dns.mu.Lock()
	defer w.dns.mu.Unlock()
	if w.dns.proof.tlsa == nil {
		w.dns.proof.tlsa = map[string][]route.TLSA{}
	}
	w.dns.proof.tlsa["_25._tcp.mx."+domain] = list
}

// tlsaOf is the record of a server's key.
func tlsaOf(t *testing.T, cfg *tls.Config) route.TLSA {
	t.Helper()
	c, err := x509.ParseCertificate(cfg.Certificates[0].Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return route.TLSA{Usage: 3, Selector: 1, Matching: 1, Data: sum[:]}
}

// Domains ask for TLS: mail goes to a host that meets that, and fails at one that does not.
func TestPolicy(t *testing.T) {
	mine, pool := certificate(t, "mx.example.test")
	other, _ := certificate(t, "another.test")
	pin := tlsaOf(t, mine)
	wrong := pin
	wrong.Data = make([]byte, 32)
	enforce := stsPolicy("enforce", 24*time.Hour, "mx.example.test")
	for _, c := range []struct {
		name   string
		policy string       // "": none
		tlsa   []route.TLSA // nil: not proved
		tls    *tls.Config
		state  spooled.State
		reply  string
		clear  bool // the mail came without TLS
	}{
		{"sts", enforce, nil, mine, spooled.Delivered, "250", false},
		{"sts by pattern", stsPolicy("enforce", time.Hour, "*.example.test"), nil, mine, spooled.Delivered, "250", false},
		{"sts, certificate of another name", enforce, nil, other, spooled.Deferred,
			"451 4.7.5 the MTA-STS policy of example.test wants a valid certificate of mx.example.test: certificate is valid for another.test, not mx.example.test", false},
		{"sts, host that is not named", stsPolicy("enforce", time.Hour, "mail.example.test"), nil, mine, spooled.Deferred,
			"451 4.7.5 the MTA-STS policy of example.test does not name the host mx.example.test", false},
		{"sts, no TLS", enforce, nil, nil, spooled.Deferred, "451 4.7.10 the MTA-STS policy of example.test wants TLS, which mx.example.test does not offer", false},
		{"sts in testing, no TLS", stsPolicy("testing", time.Hour, "mx.example.test"), nil, nil, spooled.Delivered, "250", true},
		{"sts in testing, host that is not named", stsPolicy("testing", time.Hour, "mail.example.test"), nil, other, spooled.Delivered, "250", false},
		{"sts of mode none", stsPolicy("none", time.Hour, "mail.example.test"), nil, nil, spooled.Delivered, "250", true},
		{"policy that cannot be read", "mode: enforce", nil, nil, spooled.Delivered, "250", true},
		{"dane", "", []route.TLSA{pin}, mine, spooled.Delivered, "250", false},
		{"dane, one of two matches", "", []route.TLSA{wrong, pin}, mine, spooled.Delivered, "250", false},
		{"dane, another certificate", "", []route.TLSA{pin}, other, spooled.Deferred, "451 4.7.5 the TLSA records of mx.example.test (DANE) do not match", false},
		{"dane, no TLS", "", []route.TLSA{pin}, nil, spooled.Deferred, "451 4.7.10 mx.example.test has TLSA records (DANE), so mail to it needs TLS", false},
		{"dane, unusable", "", []route.TLSA{{Usage: 1, Selector: 1, Matching: 1, Data: wrong.Data}}, other, spooled.Delivered, "250", false},
		{"dane, unusable and no TLS", "", []route.TLSA{{Usage: 0, Selector: 1, Matching: 1, Data: wrong.Data}}, nil, spooled.Deferred, "451 4.7.10", false},
		{"dane, no records", "", []route.TLSA{}, nil, spooled.Delivered, "250", true},
		{"dane before sts", stsPolicy("enforce", time.Hour, "mail.example.test"), []route.TLSA{pin}, mine, spooled.Delivered, "250", false},
		{"dane fails, sts would not", enforce, []route.TLSA{wrong}, mine, spooled.Deferred, "4.7.5 the TLSA records", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, settings.Config{MTASTS: true, DANE: true, RootCAs: pool, Policies: &publisher{text: map[string]string{"example.test": c.policy}}}, func(w *world) {
				h := w.host("example.test")
				h.tls = c.tls
				if c.policy != "" {
					w.publishes("example.test", "1")
				}
				if c.tlsa != nil {
					w.pins("example.test", c.tlsa...)
				}
				id := w.send("you@example.test")
				w.run(time.Minute)
				w.wantFinal(id, "you@example.test", c.state, c.reply)
				if n := len(w.attempts(id)); n != 1 {
					t.Errorf("%d attempts, want 1", n)
				}
				got := h.messages()
				if (len(got) == 1) != (c.state == spooled.Delivered) || len(got) == 1 && got[0].tls == c.clear {
					t.Errorf("came as %+v", got)
				}
			})
		})
	}
}

// A record that cannot be looked up may be one that somebody keeps from us.
func TestPolicy_TLSAWithoutAnswer(t *testing.T) {
	inWorld(t, settings.Config{DANE: true}, func(w *world) {
		h := w.host("example.test")
		w.pins("example.test")
		w.dns.fail["_25._tcp.mx.example.test"] = errors.New("SERVFAIL")
		id := w.send("you@example.test")
		w.run(time.Minute)
		w.wantFinal(id, "you@example.test", spooled.Deferred, "451 4.4.3 the TLSA records of mx.example.test (DANE) could not be looked up")
		if len(h.messages()) != 0 {
			t.Error("sent nevertheless")
		}
		w.dns.mu.Lock()
		delete(w.dns.fail, "_25._tcp.mx.example.test")
		w.dns.mu.Unlock()
		w.pass(time.Hour)
		w.wantFinal(id, "you@example.test", spooled.Delivered, "250")
	})
}

// Domains that share their hosts, and connections, each keep their own policy.
func TestPolicy_SharedSite(t *testing.T) {
	other, pool := certificate(t, "another.test")
	cfg := settings.Config{MTASTS: true, RootCAs: pool, SiteConnections: 1, Policies: &publisher{text: map[string]string{
		"strict.test": stsPolicy("enforce", time.Hour, "mx.shared.test"),
		"loose.test":  stsPolicy("testing", time.Hour, "mx.shared.test"),
	}}}
	inWorld(t, cfg, func(w *world) {
		h := w.host("shared.test")
		h.tls = other
		w.point("strict.test", "mx.shared.test")
		w.point("loose.test", "mx.shared.test")
		w.publishes("strict.test", "1")
		w.publishes("loose.test", "1")
		both := w.send("you@strict.test", "you@loose.test", "you@shared.test")
		w.start()
		w.pass(10 * time.Second)
		for range 5 {
			w.send("you@strict.test")
			w.send("you@loose.test")
		}
		w.pass(time.Minute)
		w.wantFinal(both, "you@strict.test", spooled.Deferred, "4.7.5 the MTA-STS policy of strict.test")
		w.wantFinal(both, "you@loose.test", spooled.Delivered, "250")
		w.wantFinal(both, "you@shared.test", spooled.Delivered, "250")
		came := 0
		for _, m := range h.messages() {
			if came += len(m.to); slices.Contains(m.to, "you@strict.test") {
				t.Error("a connection that does not satisfy the policy was used")
			}
		}
		if came != 7 {
			t.Errorf("%d recipients, want 7", came)
		}
	})
}

// One connection serves a domain without a policy and one with, if it is as that wants.
func TestPolicy_OneConnection(t *testing.T) {
	mine, pool := certificate(t, "mx.shared.test")
	cfg := settings.Config{MTASTS: true, RootCAs: pool, SiteConnections: 1, Policies: &publisher{text: map[string]string{
		"strict.test": stsPolicy("enforce", time.Hour, "mx.shared.test")}}}
	inWorld(t, cfg, func(w *world) {
		h := w.host("shared.test")
		h.tls = mine
		w.point("strict.test", "mx.shared.test")
		w.publishes("strict.test", "1")
		for range 10 {
			w.send("you@shared.test")
			w.send("you@strict.test")
		}
		w.run(time.Minute)
		if n, c := len(h.messages()), h.connections(); n != 20 || c != 1 {
			t.Errorf("%d messages over %d connections, want 20 over 1", n, c)
		}
	})
}

// A domain whose hosts are never as it wants does not cost an attempt a message for ever:
// it is left alone, and the message expires with the reason in its DSN.
func TestPolicy_Expires(t *testing.T) {
	_, pool := certificate(t, "mx.example.test")
	cfg := settings.Config{MTASTS: true, RootCAs: pool, Policies: &publisher{text: map[string]string{
		"example.test": stsPolicy("enforce", 30*24*time.Hour, "mx.example.test")}}}
	inWorld(t, cfg, func(w *world) {
		h := w.host("example.test")
		w.publishes("example.test", "1")
		for range 100 {
			m := message("you@example.test")
			m.Expires = w.store.Now().Add(8 * time.Hour)
			w.accept(m)
		}
		w.run(9 * time.Hour)
		if n := h.connections(); n > 200 {
			t.Errorf("%d connections for 100 messages that cannot be delivered", n)
		}
		dsns := w.notices()
		if len(dsns) == 0 || !strings.Contains(dsns[0].content, "MTA-STS policy of example.test wants TLS") {
			t.Errorf("%d DSNs, the first is %+v", len(dsns), dsns[:min(1, len(dsns))])
		}
	})
}

// A policy outlives a restart, the record and the server that it came from, as long as its
// age allows. Another id is fetched at once.
func TestPolicy_Outlives(t *testing.T) {
	p := &publisher{text: map[string]string{"example.test": stsPolicy("enforce", 2*24*time.Hour, "mx.example.test")}}
	inWorld(t, settings.Config{MTASTS: true, Policies: p}, func(w *world) {
		w.host("example.test") // has no TLS
		w.publishes("example.test", "1")
		send := func(state spooled.State) {
			t.Helper()
			id := w.send("you@example.test")
			w.pass(time.Hour)
			w.wantFinal(id, "you@example.test", state, "")
		}
		w.start()
		send(spooled.Deferred)
		p.says("example.test", "gone")
		w.publishes("example.test", "")
		w.again()
		send(spooled.Deferred)
		w.pass(2 * 24 * time.Hour)
		send(spooled.Delivered) // its max_age is over

		p.says("example.test", stsPolicy("enforce", 7*24*time.Hour, "mail.example.test"))
		w.publishes("example.test", "2")
		w.pass(time.Hour)
		send(spooled.Deferred)
		p.says("example.test", stsPolicy("none", 7*24*time.Hour, "mail.example.test"))
		w.publishes("example.test", "3")
		w.pass(time.Hour)
		send(spooled.Delivered)
	})
}

// again stops the mailer and starts another one on the same store.
func (w *world) again() {
	w.t.Helper()
	w.halt()
	var err error
	if w.mail, err = New(w.store.Spool, w.cfg, slog.New(slog.NewTextHandler(w, nil))); err != nil {
		w.t.Fatal(err)
	}
	w.start()
}

// Domains whose web servers take for ever hold up nobody else's mail, and not their own
// for longer than a fetch may take.
func TestPolicy_SlowFetches(t *testing.T) {
	p := &publisher{text: map[string]string{}, slow: time.Hour}
	inWorld(t, settings.Config{MTASTS: true, Policies: p}, func(w *world) {
		plain := w.host("plain.test")
		slow := w.host("slow.test")
		for i := range 60 {
			domain := fmt.Sprintf("d%d.test", i)
			w.point(domain, "mx.slow.test")
			w.publishes(domain, "1")
			w.send("you@" + domain)
		}
		w.start()
		w.pass(time.Second)
		w.send("you@plain.test")
		w.pass(time.Second)
		if len(plain.messages()) != 1 {
			t.Error("the mail of others waits")
		}
		w.pass(time.Minute)
		if n := len(slow.messages()); n != 60 {
			t.Errorf("%d of 60 messages came without a policy that could be fetched", n)
		}
	})
}

// "TLS-Required: No" asks for delivery whatever the domain wants (RFC 8689 §5).
func TestPolicy_NotForThisMessage(t *testing.T) {
	p := &publisher{text: map[string]string{"example.test": stsPolicy("enforce", time.Hour, "mx.example.test")}}
	inWorld(t, settings.Config{MTASTS: true, Policies: p}, func(w *world) {
		w.host("example.test")
		w.publishes("example.test", "1")
		m := message("you@example.test")
		m.NoTLSTerms = true
		id, strict := w.accept(m), w.send("you@example.test")
		w.run(time.Minute)
		w.wantFinal(id, "you@example.test", spooled.Delivered, "250")
		w.wantFinal(strict, "you@example.test", spooled.Deferred, "4.7.10")
	})
}

// What the operator's route says of TLS is not the sender's to override.
func TestPolicy_RouteForAllMessages(t *testing.T) {
	cfg := settings.Config{MTASTS: true, Policies: &publisher{}, Routes: map[string]route.Route{"example.test": {TLS: client.TLSEncrypted}}}
	inWorld(t, cfg, func(w *world) {
		h := w.host("example.test") // has no TLS
		m := message("you@example.test")
		m.NoTLSTerms = true
		id := w.accept(m)
		w.run(time.Minute)
		w.wantFinal(id, "you@example.test", spooled.Deferred, "4.7.10 the route of example.test in relay.toml wants TLS")
		if n := len(h.messages()); n != 0 {
			t.Errorf("%d messages in the clear", n)
		}
	})
}

// A person who asks has no patience for a slow web server; that says nothing of the policy,
// which holds for the next message.
func TestPolicy_ExplainedInHaste(t *testing.T) {
	p := &publisher{text: map[string]string{"example.test": stsPolicy("enforce", time.Hour, "mx.example.test")}, slow: 10 * time.Second}
	inWorld(t, settings.Config{MTASTS: true, Policies: p}, func(w *world) {
		w.host("example.test")
		w.publishes("example.test", "1")
		w.start()
		begin := time.Now()
		e, err := w.mail.Explain(context.Background(), "example.test", "acme")
		if err != nil || e.Terms.Policy() != nil || time.Since(begin) > 4*time.Second {
			t.Errorf("after %v: %+v, %v", time.Since(begin), e.Terms.Policy(), err)
		}
		id := w.send("you@example.test")
		w.pass(time.Minute)
		w.wantFinal(id, "you@example.test", spooled.Deferred, "4.7.10 the MTA-STS policy")
		if e, err = w.mail.Explain(context.Background(), "example.test", "acme"); err != nil || e.Terms.Policy() == nil {
			t.Errorf("%+v, %v", e.Terms, err)
		}
	})
}
