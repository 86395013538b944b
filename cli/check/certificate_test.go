package check

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"relay/cli/config"
)

// writePair writes a certificate and its key into dir and configures them. Without an
// issuer the certificate signs itself.
func writePair(t *testing.T, cfg *config.Config, dir, host string, begins, ends time.Time, issuer *tls.Certificate) {
	t.Helper()
	key := newKey(t)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotBefore: begins, NotAfter: ends}
	if issuer == nil {
		issuer = &tls.Certificate{Leaf: leaf, PrivateKey: key}
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, issuer.Leaf, key.Public(), issuer.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cfg.TLS = config.TLS{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	for path, block := range map[string]*pem.Block{cfg.TLS.Cert: {Type: "CERTIFICATE", Bytes: der}, cfg.TLS.Key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestEntrance_certificate(t *testing.T) {
	now := time.Now()
	authority := &tls.Certificate{PrivateKey: newKey(t), Leaf: &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "An Authority"},
		IsCA: true, BasicConstraintsValid: true, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(1000 * time.Hour)}}
	year := now.Add(365 * 24 * time.Hour)
	pair := func(host string, begins, ends time.Time, issuer *tls.Certificate) func(*testing.T, *config.Config, string) {
		return func(t *testing.T, cfg *config.Config, dir string) { writePair(t, cfg, dir, host, begins, ends, issuer) }
	}
	files := func(cert, key string) func(*testing.T, *config.Config, string) {
		return func(_ *testing.T, cfg *config.Config, _ string) { cfg.TLS = config.TLS{Cert: cert, Key: key} }
	}
	for _, c := range []struct {
		name   string
		make   func(*testing.T, *config.Config, string)
		wanted []string
	}{
		{"self-signed", pair("relay.test", now, year, nil),
			[]string{"ok certificate: relay.test, until ", "warning chain: the certificate is self-signed"}},
		{"another name", pair("other.test", now, year, nil),
			[]string{"warning certificate: x509: certificate is valid for other.test, not relay.test"}},
		{"ends soon", pair("relay.test", now.Add(-80*24*time.Hour), now.Add(100*time.Hour), nil),
			[]string{"warning certificate: ends "}},
		{"is for days only", pair("relay.test", now, now.Add(6*24*time.Hour), nil),
			[]string{"ok certificate: relay.test, until "}},
		{"has ended", pair("relay.test", now.Add(-100*time.Hour), now.Add(-time.Hour), nil),
			[]string{"failed certificate: ended ", "warning chain: the certificate is self-signed"}},
		{"not yet", pair("relay.test", now.Add(time.Hour), year, nil),
			[]string{"failed certificate: holds from ", "warning chain: the certificate is self-signed"}},
		{"an unknown authority", pair("relay.test", now, year, authority),
			[]string{"ok certificate: ", "warning chain: the file has one certificate only", "fullchain"}},
		{"a key for everybody", func(t *testing.T, cfg *config.Config, dir string) {
			writePair(t, cfg, dir, "relay.test", now, year, nil)
			if err := os.Chmod(cfg.TLS.Key, 0o644); err != nil {
				t.Fatal(err)
			}
		}, []string{"warning TLS key: ", "may be read by everybody"}},
		{"no files", files("/nowhere/c.pem", "/nowhere/k.pem"), []string{"failed certificate: ", "no such file"}},
		{"none", files("", ""), []string{"warning certificate: none configured"}},
		{"passed to the service", files("credential:cert", "credential:key"),
			[]string{"warning certificate: cannot tell: credential:cert is passed to the service only"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := entrance{look: newLook(t, nil)}
			c.make(t, &e.cfg, string(e.dir))
			e.certificate()
			for _, w := range c.wanted {
				if !strings.Contains(e.text(), w) {
					t.Errorf("%q is not in:\n%s", w, e.text())
				}
			}
		})
	}
}
