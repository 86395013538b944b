package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"time"

	"relay/cli/config"
	"relay/cli/place"
	"relay/cli/wholefile"
)

// certificate is the listeners'. Its files are looked at again now and then, so
// that a renewed one is taken up without a restart.
type certificate struct {
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	changed time.Time // of the file that current was read from
	looked  time.Time
}

// lookEvery is how often the files may be looked at.
const lookEvery = time.Minute

// loadCertificate reads both files; later changes are taken up when they can be
// read.
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

// get is for tls.Config: every client gets the one certificate, whatever name it
// asked for or not.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
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

// take puts what another one has read in the place of this one's.
func (c *certificate) take(o *certificate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cert, c.key, c.current, c.changed, c.looked = o.cert, o.key, o.current, o.changed, o.looked
}

// config for listeners (RFC 8996: nothing older than TLS 1.2).
func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
}

// fingerprint is what a person can compare.
func (c *certificate) fingerprint() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("%X", sha256.Sum256(c.current.Certificate[0]))
}

// How long a self-signed certificate is good for: longer, and some clients
// refuse it; and when a new one is made.
const (
	selfSignedLife  = 800 * 24 * time.Hour
	selfSignedRenew = 30 * 24 * time.Hour
)

// selfSigned is the certificate of a relay that was given none: made once and
// kept in the data directory.
func selfSigned(dir place.Dir, hostname string, now time.Time, log *slog.Logger) (*certificate, error) {
	cert, key := dir.TLS("selfsigned.crt"), dir.TLS("selfsigned.key")
	if c, err := loadCertificate(cert, key, log); err == nil && usable(c.current.Leaf, hostname, now) {
		return c, nil
	}
	if err := os.MkdirAll(filepath.Dir(cert), 0o700); err != nil {
		return nil, err
	}
	if err := makeSelfSigned(cert, key, hostname, now); err != nil {
		return nil, fmt.Errorf("self-signed certificate: %w", err)
	}
	return loadCertificate(cert, key, log)
}

func usable(leaf *x509.Certificate, hostname string, now time.Time) bool {
	return leaf.VerifyHostname(hostname) == nil && now.Before(leaf.NotAfter.Add(-selfSignedRenew))
}

func makeSelfSigned(certFile, keyFile, hostname string, now time.Time) error {
	key, err := selfSignedKey(keyFile)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: hostname},
		DNSNames:              []string{hostname},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(selfSignedLife),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	return writePEM(certFile, "CERTIFICATE", der)
}

// selfSignedKey is the key in the file, which is kept, or a new one: written
// before its certificate, so that a crash between the two leaves no certificate
// without a key.
func selfSignedKey(file string) (*ecdsa.PrivateKey, error) {
	if old := readSelfSignedKey(file); old != nil {
		return old, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, writePEM(file, "PRIVATE KEY", pkcs8)
}

// readSelfSignedKey reads a key that was made here; nil: it is none.
func readSelfSignedKey(file string) *ecdsa.PrivateKey {
	text, err := os.ReadFile(file)
	block, _ := pem.Decode(text)
	if err != nil || block == nil {
		return nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	made, ok := key.(*ecdsa.PrivateKey)
	if err != nil || !ok {
		return nil
	}
	return made
}

func writePEM(path, kind string, der []byte) error {
	return wholefile.Write(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
