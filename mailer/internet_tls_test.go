package mailer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"relay/mailer/policy"
	"relay/mailer/route"
	"relay/mailer/settings"
	"relay/store"
	"relay/store/spooled"
)

// authority makes certificates that the world trusts.
type authority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pool *x509.CertPool
	n    int64
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, pool: x509.NewCertPool()}
	a.key, a.cert = a.make(&x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign}, nil)
	a.pool.AddCert(a.cert)
	return a
}

func (a *authority) make(c *x509.Certificate, parent *x509.Certificate) (*ecdsa.PrivateKey, *x509.Certificate) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	a.n++
	c.SerialNumber = big.NewInt(a.n)
	c.NotBefore = time.Now().Add(-48 * time.Hour)
	if c.NotAfter.IsZero() {
		c.NotAfter = time.Now().Add(48 * time.Hour)
	}
	signer := a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		a.t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return key, made
}

// server is a configuration with a certificate of some names, and the authority's behind it.
func (a *authority) server(until time.Time, names ...string) *tls.Config {
	a.t.Helper()
	key, c := a.make(&x509.Certificate{Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, NotAfter: until}, a.cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{c.Raw, a.cert.Raw}, PrivateKey: key}}}
}

// web is an HTTPS server for the policies of all domains.
func (n *internet) web(a *authority, texts map[string]func(http.ResponseWriter)) (port int) {
	n.t.Helper()
	l, err := net.Listen("tcp", n.dnsHost()+":0")
	if err != nil {
		n.t.Fatal(err)
	}
	var names []string
	for domain := range texts {
		if !strings.HasPrefix(domain, "badweb.") {
			names = append(names, policy.Host(domain))
		}
		n.record("%s. 60 IN A %s", policy.Host(domain), n.dnsHost())
		n.record("_mta-sts.%s. 60 IN TXT \"v=STSv1; id=1\"", domain)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		domain, _ := strings.CutPrefix(r.Host, "mta-sts.")
		say := texts[domain]
		if say == nil || r.URL.Path != "/.well-known/mta-sts.txt" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		say(w)
	}), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go func() { _ = server.Serve(tls.NewListener(l, a.server(time.Time{}, names...))) }()
	n.t.Cleanup(func() { _ = server.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

func (n *internet) dnsHost() string {
	host, _, _ := net.SplitHostPort(n.dns)
	return host
}

// pin gives a name TLSA records.
func (n *internet) pin(name string, usage, selector, matching int, c []byte) {
	sum := sha256.Sum256(c)
	n.record("_%d._tcp.%s. 60 IN TLSA %d %d %d %x", n.port, name, usage, selector, matching, sum[:])
}

// waitFor waits until something is so, which it looks at when the log has another line.
func (n *internet) waitFor(what string, is func() bool) {
	n.t.Helper()
	limit := time.After(5 * time.Minute)
	for !is() {
		select {
		case <-n.changed:
		case <-limit:
			n.t.Fatal("waited for " + what)
		}
	}
}

// says gives out a policy as a web server does.
func says(text string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { _, _ = w.Write([]byte(text)) }
}

// Domains that ask for TLS, on real sockets: a name server that proves some of its answers,
// a web server, hosts with certificates. For each: what becomes of the mail, what the
// trace and the list of errors say, and whether there is a DSN.
func TestInternet_TLS(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	ca := newAuthority(t)
	strange := newAuthority(t)
	src := n.host("src.test") // sets the port
	src.ext, src.tls = []string{"PIPELINING", "8BITMIME", "REQUIRETLS"}, ca.server(time.Time{}, "mx.src.test")
	n.signed = []string{"dane.test."}
	enforce := func(domain string, mx ...string) func(http.ResponseWriter) {
		return says(stsPolicy("enforce", time.Hour, append(mx, "mx."+domain)...))
	}
	leaf := func(cfg *tls.Config) *x509.Certificate {
		c, err := x509.ParseCertificate(cfg.Certificates[0].Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	good := func(domain string) *tls.Config { return ca.server(time.Time{}, "mx."+domain) }
	requiretls := []string{"PIPELINING", "8BITMIME", "REQUIRETLS"}

	type letter struct {
		domain string
		policy func(http.ResponseWriter) // nil: no MTA-STS
		set    func(h *mx)
		strict bool // REQUIRETLS
		state  spooled.State
		reply  string // of a failure
		clear  bool   // it came without TLS
	}
	letters := []letter{
		{"sts.test", enforce("sts.test"), func(h *mx) { h.tls = good("sts.test") }, false, spooled.Delivered, "", false},
		{"wrongname.test", enforce("wrongname.test"), func(h *mx) { h.tls = good("other.test") }, false, spooled.Expired,
			"451 4.7.5 the MTA-STS policy of wrongname.test wants a valid certificate of mx.wrongname.test: certificate is valid for mx.other.test, not mx.wrongname.test", false},
		{"old.test", enforce("old.test"), func(h *mx) { h.tls = ca.server(time.Now().Add(-time.Hour), "mx.old.test") }, false, spooled.Expired,
			"451 4.7.5 the MTA-STS policy of old.test wants a valid certificate of mx.old.test: certificate has expired", false},
		{"selfmade.test", enforce("selfmade.test"), func(h *mx) { h.tls = strange.server(time.Time{}, "mx.selfmade.test") }, false, spooled.Expired,
			"451 4.7.5 the MTA-STS policy of selfmade.test wants a valid certificate of mx.selfmade.test: certificate signed by unknown authority", false},
		{"wrongmx.test", says(stsPolicy("enforce", time.Hour, "mail.wrongmx.test")), func(h *mx) { h.tls = good("wrongmx.test") }, false, spooled.Expired,
			"451 4.7.5 the MTA-STS policy of wrongmx.test does not name the host mx.wrongmx.test", false},
		{"notls.test", enforce("notls.test"), func(*mx) {}, false, spooled.Expired,
			"451 4.7.10 the MTA-STS policy of notls.test wants TLS, which mx.notls.test does not offer", false},
		{"testing.test", says(stsPolicy("testing", time.Hour, "mail.testing.test")), func(*mx) {}, false, spooled.Delivered, "", true},
		{"redirect.test", func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://mta-sts.sts.test/.well-known/mta-sts.txt")
			w.WriteHeader(http.StatusMovedPermanently)
		}, func(*mx) {}, false, spooled.Delivered, "", true},
		{"html.test", func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte(stsPolicy("enforce", time.Hour, "mx.html.test")))
		}, func(*mx) {}, false, spooled.Delivered, "", true},
		{"huge.test", says(stsPolicy("enforce", time.Hour, "mx.huge.test") + strings.Repeat("x: y\n", 20_000)), func(*mx) {}, false, spooled.Delivered, "", true},
		{"badweb.test", enforce("badweb.test"), func(*mx) {}, false, spooled.Delivered, "", true},

		{"match.dane.test", nil, func(h *mx) {
			h.tls = strange.server(time.Time{}, "any.name.test")
			n.pin("mx.match.dane.test", 3, 1, 1, leaf(h.tls).RawSubjectPublicKeyInfo)
		}, false, spooled.Delivered, "", false},
		{"anchor.dane.test", nil, func(h *mx) {
			h.tls = strange.server(time.Time{}, "mx.anchor.dane.test")
			n.pin("mx.anchor.dane.test", 2, 0, 1, strange.cert.Raw)
		}, false, spooled.Delivered, "", false},
		{"anchorname.dane.test", nil, func(h *mx) {
			h.tls = strange.server(time.Time{}, "any.name.test")
			n.pin("mx.anchorname.dane.test", 2, 0, 1, strange.cert.Raw)
		}, false, spooled.Expired, "451 4.7.5 the TLSA records of mx.anchorname.dane.test (DANE) want another certificate", false},
		{"mismatch.dane.test", enforce("mismatch.dane.test"), func(h *mx) {
			h.tls = good("mismatch.dane.test")
			n.pin("mx.mismatch.dane.test", 3, 1, 1, []byte("another"))
		}, false, spooled.Expired, "451 4.7.5 the TLSA records of mx.mismatch.dane.test (DANE) do not match the certificate that it showed", false},
		{"unusable.dane.test", nil, func(h *mx) {
			h.tls = strange.server(time.Time{}, "any.name.test")
			n.pin("mx.unusable.dane.test", 1, 1, 1, []byte("another"))
		}, false, spooled.Delivered, "", false},
		{"unusableclear.dane.test", nil, func(*mx) { n.pin("mx.unusableclear.dane.test", 0, 1, 1, []byte("another")) }, false, spooled.Expired,
			"451 4.7.10 mx.unusableclear.dane.test has TLSA records (DANE), so mail to it needs TLS, which it does not offer", false},
		{"clear.dane.test", nil, func(*mx) { n.pin("mx.clear.dane.test", 3, 1, 1, []byte("another")) }, false, spooled.Expired,
			"451 4.7.10 mx.clear.dane.test has TLSA records (DANE), so mail to it needs TLS", false},
		{"none.dane.test", nil, func(*mx) {}, false, spooled.Delivered, "", true},
		{"bogus.dane.test", nil, func(h *mx) {
			h.tls = good("bogus.dane.test")
			n.rcode[fmt.Sprintf("_%d._tcp.mx.bogus.dane.test.", n.port)] = dns.RcodeServerFailure
		}, false, spooled.Expired, "451 4.4.3 the TLSA records of mx.bogus.dane.test (DANE) could not be looked up", false},
		{"insecure.test", nil, func(*mx) { n.pin("mx.insecure.test", 3, 1, 1, []byte("another")) }, false, spooled.Delivered, "", true},

		{"req.dane.test", nil, func(h *mx) {
			h.ext, h.tls = requiretls, strange.server(time.Time{}, "any.name.test")
			n.pin("mx.req.dane.test", 3, 1, 1, leaf(h.tls).RawSubjectPublicKeyInfo)
		}, true, spooled.Delivered, "", false},
		{"reqsts.test", says(stsPolicy("testing", time.Hour, "mx.reqsts.test")), func(h *mx) { h.ext, h.tls = requiretls, good("reqsts.test") }, true, spooled.Delivered, "", false},
		{"reqplain.test", nil, func(h *mx) { h.ext, h.tls = requiretls, good("reqplain.test") }, true, spooled.Failed,
			"550 5.7.30 REQUIRETLS was asked for: neither DNSSEC nor an MTA-STS policy vouches", false},
		{"reqmismatch.dane.test", nil, func(h *mx) {
			h.ext, h.tls = requiretls, good("reqmismatch.dane.test")
			n.pin("mx.reqmismatch.dane.test", 3, 1, 1, []byte("another"))
		}, true, spooled.Failed, "550 5.7.30 REQUIRETLS was asked for: the TLSA records", false},
		{"reqnot.dane.test", nil, func(h *mx) { h.tls = good("reqnot.dane.test") }, true, spooled.Failed, "5.7.30", false},
	}
	hosts := map[string]*mx{}
	texts := map[string]func(http.ResponseWriter){"src.test": enforce("src.test")} // takes the DSNs, also those with REQUIRETLS
	for _, l := range letters {
		h := n.host(l.domain)
		l.set(h)
		hosts[l.domain] = h
		if l.policy != nil {
			texts[l.domain] = l.policy
		}
	}
	// The MX host is an alias; its target has the records (RFC 7672 §2.2.2).
	alias := n.host("target.dane.test")
	alias.tls = strange.server(time.Time{}, "any.name.test")
	n.pin("mx.target.dane.test", 3, 1, 1, leaf(alias.tls).RawSubjectPublicKeyInfo)
	n.record("cname.dane.test. 60 IN MX 10 mx.cname.dane.test.")
	n.record("mx.cname.dane.test. 60 IN CNAME mx.target.dane.test.")
	hosts["cname.dane.test"] = alias
	letters = append(letters, letter{domain: "cname.dane.test", state: spooled.Delivered})

	log := slog.New(slog.NewTextHandler(n, nil))
	cfg := settings.Config{Speed: 20} // DSNs wait for others of their minute
	now, ahead := clockOf(cfg), atomic.Int64{}
	st, err := store.Open(filepath.Join(t.TempDir(), "relay.db"), store.Options{Log: log,
		Now: func() time.Time { return now().Add(time.Duration(ahead.Load())) }})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: st}
	w.account("acme")
	resolver, err := route.NewDNS(route.DNSConfig{Servers: []string{n.dns}})
	if err != nil {
		t.Fatal(err)
	}
	web := &policy.HTTPS{Addrs: resolver.LookupAddrs, RootCAs: ca.pool, Port: n.web(ca, texts), AllowPrivate: true}
	cfg.Hostname, cfg.DNS, cfg.Port, cfg.AllowPrivate = "relay.test", resolver, n.port, true
	cfg.Retry, cfg.MTASTS, cfg.DANE, cfg.Policies, cfg.RootCAs = []time.Duration{2 * time.Second}, true, true, web, ca.pool
	w.mail, err = New(st.Spool, cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	const life = 20 * time.Minute
	ids := make([]spooled.ID, len(letters))
	for i, l := range letters {
		m := message("you@" + l.domain)
		m.RequireTLS = l.strict
		if l.state == spooled.Expired {
			m.Expires = st.Now().Add(life)
		}
		ids[i] = w.accept(m)
	}
	for _, serve := range n.servers {
		go serve()
	}
	w.start()
	for _, id := range ids { // however slow the machine is
		n.waitFor("an attempt", func() bool { return len(w.attempts(id)) > 0 })
	}
	ahead.Store(int64(life))
	n.settle(w, ids)
	w.halt()
	for i, l := range letters {
		t.Run(l.domain, func(t *testing.T) {
			w := &world{t: t, store: st}
			address := "you@" + l.domain
			w.wantFinal(ids[i], address, l.state, l.reply)
			attempts, told := len(w.attempts(ids[i])), toldOf(src.messages(), address)
			if attempts != 1 && l.state != spooled.Expired || attempts < 1 { // how many there are until all were tried depends on the machine
				t.Errorf("%d attempts", attempts)
			}
			if told != l.state.Final() && l.state != spooled.Delivered || told && l.state == spooled.Delivered {
				t.Errorf("DSN %v", told)
			}
			category := string(w.final(ids[i], address).Verdict.Category)
			if want := map[spooled.State]string{spooled.Expired: "BadConnection DNSFailure", spooled.Failed: "PolicyRelated"}[l.state]; !strings.Contains(want, category) {
				t.Errorf("category %q", category)
			}
			got := hosts[l.domain].messages()
			if (len(got) == 1) != (l.state == spooled.Delivered) || len(got) == 1 && got[0].tls == l.clear {
				t.Errorf("came as %+v", got)
			}
		})
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
}
