package acme_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"relay/cli/acme"
	"relay/cli/config"
	"relay/cli/exit"
	"relay/cli/place"
	"relay/cli/proof"
	"relay/cli/serve"
	"relay/store"
)

// TestMain lets the test's own binary prove files, as the relay's does.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == proof.Verb {
		os.Exit(exit.Report(os.Stderr, proof.Here(context.Background(), os.Stdout, os.Stderr, os.Args[2], os.Args[3:])))
	}
	os.Exit(m.Run())
}

// listeners of the relay, by how they speak TLS.
type listeners struct{ starttls, implicit, api string }

// shown returns the leaf that each of them presents to a client without a server name.
func (l *listeners) shown(t *testing.T) (list []*x509.Certificate) {
	t.Helper()
	anyone := &tls.Config{InsecureSkipVerify: true}
	for _, addr := range []string{l.implicit, l.api} {
		conn, err := tls.Dial("tcp", addr, anyone)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, conn.ConnectionState().PeerCertificates[0])
		_ = conn.Close()
	}
	c, err := smtp.Dial(l.starttls)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.StartTLS(anyone); err != nil {
		t.Fatal(err)
	}
	state, _ := c.TLSConnectionState()
	return append(list, state.PeerCertificates[0])
}

// run runs a relay until stop is called.
func run(t *testing.T, text, dir string) (stop func()) {
	t.Helper()
	cfg, err := config.Read("relay.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	m := serve.Machine{Stderr: io.Discard, Getenv: func(string) string { return "" }, Listen: net.Listen}
	r, err := serve.New(m, cfg, place.Dir(dir))
	if err != nil {
		t.Fatal(err)
	}
	signals, ended, ready := make(chan os.Signal, 1), make(chan error, 1), make(chan bool)
	go func() { ended <- r.Run(context.Background(), signals, func(*store.Store) { close(ready) }) }()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	return func() {
		signals <- syscall.SIGTERM
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// A relay begins with a self-signed certificate. All its listeners present that of the
// authority as soon as it is issued, and after a restart without the authority too.
func TestRelay_pebble(t *testing.T) {
	t.Parallel()
	p := acme.StartPebble(t)
	dir, err := os.MkdirTemp("", "relay") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	l := listeners{acme.FreeAddr(t), acme.FreeAddr(t), acme.FreeAddr(t)}
	text := fmt.Sprintf(`
hostname = "relay.test"
listen = [{addr = %q, tls = "starttls"}, {addr = %q, tls = "implicit"}]
api = {listen = %q}
[tls]
acme = "you@relay.test"
acme_http = %q
acme_directory = %q
acme_ca = %q
[delivery]
smarthost = "127.0.0.1:1"
`, l.starttls, l.implicit, l.api, p.HTTPAddr, p.Directory, p.Trust)
	stop := run(t, text, dir)
	for deadline := time.Now().Add(5 * time.Minute); ; {
		leaf := l.shown(t)[0]
		if strings.Contains(leaf.Issuer.CommonName, "Pebble") {
			break
		}
		if leaf.Issuer.CommonName != "relay.test" || time.Now().After(deadline) {
			t.Fatalf("the certificate is from %v", leaf.Issuer)
		}
		time.Sleep(50 * time.Millisecond)
	}
	first := l.shown(t)
	stop()
	p.Stop()
	for _, name := range []string{"acme.pem", "acme.json", "acme-account.key"} {
		if info, err := os.Stat(filepath.Join(dir, "tls", name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	stop = run(t, text, dir)
	for i, leaf := range append(l.shown(t), first...) {
		if !leaf.Equal(first[0]) || leaf.VerifyHostname("relay.test") != nil {
			t.Errorf("listener %d has the certificate of %v by %v", i, leaf.DNSNames, leaf.Issuer)
		}
	}
	stop()
}
