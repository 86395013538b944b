package setup

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"relay/cli/exit"
	"relay/cli/selfsigned"
)

// tls makes the certificate that relay serves with until the operator has one from an
// authority.
func (s *installation) tls() error {
	if s.cfg.TLS.Cert != "" {
		s.kept("certificate", s.cfg.TLS.Cert)
		return nil
	}
	cert, key := s.dir.TLS("selfsigned.crt"), s.dir.TLS("selfsigned.key")
	_, noCert := os.Lstat(cert)
	_, noKey := os.Lstat(key)
	switch {
	case noCert == nil && noKey == nil:
		s.kept("certificate", cert)
		return nil
	case noCert == nil:
		return exit.Fail(exit.Failed, "move it away, or bring its key back", "%s is there, but not its key %s", cert, key)
	case noKey == nil && selfsigned.ReadKey(key) == nil: // it would be replaced
		return exit.Fail(exit.Failed, "move it away, or bring its certificate back", "%s is not a key that relay made", key)
	}
	if err := s.folder(filepath.Dir(cert)); err != nil {
		return err
	}
	if err := selfsigned.Make(cert, key, s.host, time.Now()); err != nil {
		return fmt.Errorf("self-signed certificate: %w", err)
	}
	s.wrote("certificate", cert)
	return errors.Join(s.dir.Adopt(key), s.dir.Adopt(cert))
}

// dkimKey is a key for signing mail (RFC 6376).
type dkimKey struct {
	selector string // under which the DNS has the public part
	public   []byte // SubjectPublicKeyInfo (RFC 6376 §3.6.1, k=rsa)
}

// dkimBits of a key. Not every resolver takes more, and receivers refuse less (RFC 8301 §3.2).
const dkimBits = 2048

// record is the TXT of the key.
func (k dkimKey) record() string {
	return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(k.public)
}

// dkimPair keeps the newest key that is there, or makes one.
func (s *installation) dkimPair() error {
	dir := filepath.Join(string(s.dir), "dkim")
	names, err := filepath.Glob(filepath.Join(dir, "*.key"))
	if err != nil {
		return err
	}
	if len(names) > 0 {
		path := names[len(names)-1] // selectors with a date sort by it
		s.kept("DKIM key", path)
		return s.readDKIM(path)
	}
	if err := s.folder(dir); err != nil {
		return err
	}
	path := filepath.Join(dir, "relay"+time.Now().Format("200601")+".key")
	key, err := rsa.GenerateKey(rand.Reader, dkimBits)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := writeNew(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600, s.dir.Adopt); err != nil {
		return err
	}
	s.wrote("DKIM key", path)
	return s.readDKIM(path)
}

func (s *installation) readDKIM(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	const hint = "move it away, and relay init makes another one"
	block, _ := pem.Decode(text)
	if block == nil {
		return exit.Fail(exit.Failed, hint, "%s is not a PEM file", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, isRSA := key.(*rsa.PrivateKey)
	if err != nil || !isRSA {
		return exit.Fail(exit.Failed, hint, "%s is not an RSA key in PKCS #8", path)
	}
	s.dkim.selector = strings.TrimSuffix(filepath.Base(path), ".key")
	s.dkim.public, err = x509.MarshalPKIXPublicKey(&private.PublicKey)
	return err
}

// firstAccount adds the account, unless it is there. With no name given, any account
// will do.
func (s *installation) firstAccount(ctx context.Context) error {
	found, err := s.foundAccount(ctx)
	if err != nil {
		return err
	}
	if found != "" {
		s.kept("account", found)
		return nil
	}
	out, err := s.run(ctx, "account", "add", s.account, "--plan", s.plan, "--contact", s.contact, "--json")
	if err != nil {
		return err
	}
	s.login = &login{}
	if err := json.Unmarshal(out, s.login); err != nil {
		return err
	}
	s.wrote("account", s.account+", plan "+s.plan)
	return nil
}

// foundAccount is the account that need not be added; "": there is none.
func (s *installation) foundAccount(ctx context.Context) (string, error) {
	out, err := s.run(ctx, "account", "list", "--json")
	if err != nil {
		return "", err
	}
	var list []struct{ Account string }
	if err := json.Unmarshal(out, &list); err != nil {
		return "", err
	}
	for _, a := range list {
		if a.Account == s.account || !s.accountGiven {
			return a.Account, nil
		}
	}
	return "", nil
}

// run runs another command line on this installation, and returns its result.
func (s *installation) run(ctx context.Context, args ...string) ([]byte, error) {
	return s.machine.Run(ctx, append([]string{"--config=" + s.file, "--data=" + string(s.dir)}, args...)...)
}
