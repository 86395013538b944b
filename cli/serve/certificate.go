package serve

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"relay/cli/acme"
	"relay/cli/config"
	"relay/cli/place"
	"relay/cli/selfsigned"
)

// certificate is what the listeners present: that of an authority, as soon as there is
// one, else that of the files. These are checked again at intervals, so that a renewed one
// is used without a restart.
type certificate struct {
	keeper    *acme.Keeper // nil: no authority is asked
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	changed time.Time // of the file that current was read from
	looked  time.Time
}

// lookEvery is the least time between two checks of the files.
const lookEvery = time.Minute

// loadCertificate reads both files. A later change that cannot be read is logged, and
// the certificate stays as it is.
func loadCertificate(cert, key string, log *slog.Logger) (*certificate, error) {
	c := &certificate{cert: cert, key: key, log: log}
	if err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *certificate) load() error {
	for _, file := range []string{c.cert, c.key} {
		if err := config.MayOpen(file); err != nil {
			return err
		}
	}
	info, err := os.Stat(c.cert)
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("certificate %s: %w", c.cert, err)
	}
	c.current, c.changed, c.looked = &pair, info.ModTime(), time.Now()
	return nil
}

// get implements tls.Config.GetCertificate: every client gets the one certificate,
// whatever server name it sends.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c.keeper != nil {
		if pair := c.keeper.Certificate(); pair != nil {
			return pair, nil
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) < lookEvery {
		return c.current, nil
	}
	c.looked = time.Now()
	if info, err := os.Stat(c.cert); err == nil && !info.ModTime().Equal(c.changed) {
		if err := c.load(); err != nil {
			c.log.Warn("renewed certificate cannot be used", "component", "cli", "err", err)
		} else {
			c.log.Info("certificate renewed", "component", "cli", "file", c.cert, "not_after", c.current.Leaf.NotAfter)
		}
	}
	return c.current, nil
}

// take replaces this certificate with o's, for all connections that begin from now on.
func (c *certificate) take(o *certificate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cert, c.key, c.current, c.changed, c.looked = o.cert, o.key, o.current, o.changed, o.looked
}

// config returns the listeners' TLS configuration (RFC 8996: nothing older than TLS 1.2).
func (c *certificate) config() *tls.Config {
	t := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
	if c.keeper != nil {
		t.GetConfigForClient = c.keeper.Config
	}
	return t
}

// fingerprint is the SHA-256 of the certificate in hexadecimal, for people to compare.
func (c *certificate) fingerprint() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("%X", sha256.Sum256(c.current.Certificate[0]))
}

// selfSignedRenew is how long before its end a self-signed certificate is replaced.
const selfSignedRenew = 30 * 24 * time.Hour

// selfSigned returns the certificate for a relay that has none configured: made once
// and kept in the data directory.
func selfSigned(dir place.Dir, hostname string, now time.Time, log *slog.Logger) (*certificate, error) {
	cert, key := dir.TLS("selfsigned.crt"), dir.TLS("selfsigned.key")
	if c, err := loadCertificate(cert, key, log); err == nil && usable(c.current.Leaf, hostname, now) {
		return c, nil
	}
	if err := os.MkdirAll(filepath.Dir(cert), 0o700); err != nil {
		return nil, err
	}
	if err := selfsigned.Make(cert, key, hostname, now); err != nil {
		return nil, fmt.Errorf("self-signed certificate: %w", err)
	}
	return loadCertificate(cert, key, log)
}

// usable reports whether a self-signed certificate still fits the name and lasts a while.
func usable(leaf *x509.Certificate, hostname string, now time.Time) bool {
	return leaf.VerifyHostname(hostname) == nil && now.Before(leaf.NotAfter.Add(-selfSignedRenew))
}
