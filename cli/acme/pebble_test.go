package acme

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"go/build"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"relay/cli/selfsigned"
)

// Pebble is a running ACME server for tests (github.com/letsencrypt/pebble).
type Pebble struct {
	Directory  string
	management string
	Trust      string // file of what vouches for it
	HTTPAddr   string // where it looks for proofs
	tlsAddr    string
	cmd        *exec.Cmd
}

// FreeAddr returns an address on loopback where nobody listens now.
func FreeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func port(addr string) string { _, p, _ := net.SplitHostPort(addr); return p }

// allHere is a DNS in which every name is this machine.
func allHere(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{Listener: l, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		if q.Question[0].Qtype == dns.TypeA {
			m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(127, 0, 0, 1)})
		}
		_ = w.WriteMsg(m)
	})}
	go func() { _ = s.ActivateAndServe() }()
	t.Cleanup(func() { _ = s.Shutdown() })
	return l.Addr().String()
}

// StartPebble starts a server whose certificates last 90 days.
func StartPebble(t *testing.T) *Pebble {
	t.Helper()
	program, err := exec.LookPath("pebble")
	if err != nil { // where go install puts it
		program, err = exec.LookPath(filepath.Join(build.Default.GOPATH, "bin", "pebble"))
	}
	if err != nil {
		t.Skip("pebble is not installed: go install github.com/letsencrypt/pebble/v2/cmd/pebble@v2.10.1")
	}
	dir := t.TempDir()
	p := &Pebble{HTTPAddr: FreeAddr(t), tlsAddr: FreeAddr(t), Trust: filepath.Join(dir, "localhost.crt")}
	key, listen, management := filepath.Join(dir, "localhost.key"), FreeAddr(t), FreeAddr(t)
	if err := selfsigned.Make(p.Trust, key, "localhost", time.Now()); err != nil {
		t.Fatal(err)
	}
	p.Directory, p.management = "https://localhost:"+port(listen)+"/dir", "https://localhost:"+port(management)
	file := filepath.Join(dir, "pebble.json")
	config := map[string]any{"pebble": map[string]any{
		"listenAddress": listen, "managementListenAddress": management, "certificate": p.Trust, "privateKey": key,
		"httpPort": json.Number(port(p.HTTPAddr)), "tlsPort": json.Number(port(p.tlsAddr)), "keyAlgorithm": "ecdsa",
		"domainBlocklist": []string{"refused.test"},
		"profiles":        map[string]any{"default": map[string]any{"description": "90 days", "validityPeriod": 90 * 86400}},
	}}
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	p.cmd = exec.Command(program, "-config", file, "-dnsserver", allHere(t), "-strict")
	p.cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_AUTHZREUSE=0")
	var log bytes.Buffer
	p.cmd.Stdout, p.cmd.Stderr = &log, &log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	p.await(t, listen)
	return p
}

func (p *Pebble) await(t *testing.T, addr string) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); ; {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("pebble does not start")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (p *Pebble) Stop() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// trusted is the pool with what vouches for the server itself.
func (p *Pebble) trusted(t *testing.T) *x509.CertPool {
	t.Helper()
	text, err := os.ReadFile(p.Trust)
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(text) {
		t.Fatal("no certificate of pebble", err)
	}
	return pool
}

// root is the authority whose certificates it issues; it has another one at each start.
func (p *Pebble) root(t *testing.T) *x509.CertPool {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.trusted(t)}}}
	defer c.CloseIdleConnections()
	answer, err := c.Get(p.management + "/roots/0")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(text) {
		t.Fatal("no root", err)
	}
	return pool
}

func (p *Pebble) options(t *testing.T) Options {
	return Options{Contact: "you@relay.test", Names: []string{"relay.test"}, Directory: p.Directory, Roots: p.trusted(t),
		Dir: t.TempDir(), Listen: net.Listen, Log: slog.New(slog.DiscardHandler)}
}

// verify wants a certificate of that authority for the names.
func verify(t *testing.T, k *Keeper, roots *x509.CertPool, names ...string) {
	t.Helper()
	pair := k.Certificate()
	if pair == nil {
		t.Fatalf("no certificate: %+v", k.Note())
	}
	between := x509.NewCertPool()
	for _, der := range pair.Certificate[1:] {
		if c, err := x509.ParseCertificate(der); err == nil {
			between.AddCert(c)
		}
	}
	for _, name := range names {
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: between}); err != nil {
			t.Error(err)
		}
	}
}

// steps runs a Keeper's steps by a clock of the test.
func steps(t *testing.T, o Options) (k *Keeper, step func(time.Time) time.Time) {
	t.Helper()
	k, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(func() { stop(); k.servers.Wait() })
	return k, func(now time.Time) time.Time { return k.step(ctx, now) }
}

// A certificate by HTTP-01 is renewed when a third of its life is left. Then
// the authority fails: the old one stays, and the failure is noted.
func TestPebble_http(t *testing.T) {
	t.Parallel() // each waits a second for its server's answers
	p := StartPebble(t)
	o := p.options(t)
	o.HTTP = p.HTTPAddr
	k, step := steps(t, o)
	renew := step(time.Now())
	verify(t, k, p.root(t), "relay.test")
	first := k.Certificate()
	if rest := first.Leaf.NotAfter.Sub(renew); rest > 30*day || rest < 29*day {
		t.Errorf("renewed %v before its end", rest)
	}
	step(renew.Add(-time.Second))
	if k.Certificate() != first {
		t.Error("renewed before it is due")
	}
	step(renew)
	verify(t, k, p.root(t), "relay.test")
	second := k.Certificate()
	if second.Leaf.Equal(first.Leaf) || bytes.Equal(second.Leaf.RawSubjectPublicKeyInfo, first.Leaf.RawSubjectPublicKeyInfo) {
		t.Error("not renewed, or with the same key")
	}
	p.Stop()
	renew = renew.Add(2 * time.Hour) // the second may have another part of an hour
	next := step(renew)
	if k.Certificate() != second || !strings.Contains(k.Note().Problem, "connection refused") || k.Note().Failures != 1 {
		t.Errorf("the authority is gone: %+v", k.Note())
	}
	if wait := next.Sub(renew); wait < time.Minute || wait > 2*time.Minute {
		t.Errorf("the next try after %v, want a minute", wait)
	}
	again, err := New(o)
	if err != nil || again.Certificate() == nil || !again.Certificate().Leaf.Equal(second.Leaf) || again.Note().Failures != 1 {
		t.Errorf("after a restart: %v, %+v", err, again.Note())
	}
}

// For two names by TLS-ALPN-01, on a listener of its own.
func TestPebble_tls(t *testing.T) {
	t.Parallel() // each waits a second for its server's answers
	p := StartPebble(t)
	o := p.options(t)
	o.TLS, o.Names = p.tlsAddr, []string{"relay.test", "mail.relay.test"}
	k, step := steps(t, o)
	step(time.Now())
	verify(t, k, p.root(t), "relay.test", "mail.relay.test")
}

// By TLS-ALPN-01 on a listener that serves mail: other clients see no difference, with or
// without a server name.
func TestPebble_tlsBesideMail(t *testing.T) {
	t.Parallel() // each waits a second for its server's answers
	p := StartPebble(t)
	o := p.options(t)
	o.OtherTLS = true
	k, step := steps(t, o)
	mail := tls.Config{GetConfigForClient: k.Config, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return k.Certificate(), nil }}
	l, err := tls.Listen("tcp", p.tlsAddr, &mail)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("220\r\n"))
			_ = conn.Close()
		}
	}()
	step(time.Now())
	verify(t, k, p.root(t), "relay.test")
	for _, name := range []string{"", "relay.test", "other.test"} {
		conn, err := tls.Dial("tcp", p.tlsAddr, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err != nil {
			t.Fatalf("server name %q: %v", name, err)
		}
		if got := conn.ConnectionState().PeerCertificates[0]; !got.Equal(k.Certificate().Leaf) {
			t.Errorf("server name %q: the certificate of %v", name, got.DNSNames)
		}
		_ = conn.Close()
	}
}

// A refusal is noted in the authority's words, and an hour has five tries at most.
func TestPebble_refused(t *testing.T) {
	t.Parallel() // each waits a second for its server's answers
	p := StartPebble(t)
	for _, c := range []struct {
		name, want string // of the problem
		http       string
	}{
		{"refused.test", "rejectedIdentifier", p.HTTPAddr},
		{"relay.test", "unauthorized", "127.0.0.1:0"}, // another program listens where it looks for the proof
	} {
		o := p.options(t)
		o.HTTP, o.Names = c.http, []string{c.name}
		k, step := steps(t, o)
		begin := time.Now()
		next := step(begin)
		if !strings.Contains(strings.ToLower(k.Note().Problem), strings.ToLower(c.want)) || k.Certificate() != nil {
			t.Errorf("%s: %+v", c.name, k.Note())
		}
		if wait := next.Sub(begin); wait < 5*time.Minute || wait > 6*time.Minute {
			t.Errorf("%s: the next try after %v", c.name, wait)
		}
		if names := k.Note().Names; !slices.Equal(names, o.Names) {
			t.Errorf("noted for %q", names)
		}
	}
}
