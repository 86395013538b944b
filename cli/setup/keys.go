package setup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"relay/cli/acme"
	"relay/cli/exit"
	"relay/cli/hostkey"
	"relay/cli/selfsigned"
)

// tls makes the certificate that relay serves with until the operator has one from an
// authority.
func (s *installation) tls() error {
	if s.cfg.TLS.Cert != "" {
		s.kept("certificate", s.cfg.TLS.Cert)
		return nil
	}
	if pair := acme.PairFile(s.dir.TLS("")); s.cfg.TLS.Contact != "" {
		if _, none := os.Lstat(pair); none == nil {
			s.kept("certificate", pair)
			return nil
		}
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

// dkimKey is the host's key as it is published.
type dkimKey struct{ selector, record string }

// dkimPair keeps the newest key that is there, or makes one.
func (s *installation) dkimPair() error {
	dir := s.dir.DKIM()
	path, err := hostkey.Newest(dir)
	if err != nil {
		return err
	}
	if path != "" {
		s.kept("DKIM key", path)
		return s.readDKIM(path)
	}
	if err := s.folder(dir); err != nil {
		return err
	}
	name, text, err := hostkey.New(time.Now())
	if err != nil {
		return err
	}
	path = filepath.Join(dir, name)
	if err := writeNew(path, text, 0o600, s.dir.Adopt); err != nil {
		return err
	}
	s.wrote("DKIM key", path)
	return s.readDKIM(path)
}

func (s *installation) readDKIM(path string) error {
	key, err := hostkey.Read(path)
	if err != nil {
		return err
	}
	s.dkim.selector = key.Selector
	s.dkim.record, err = key.Record()
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
