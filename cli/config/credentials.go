package config

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"relay/cli/exit"
)

// CredentialPrefix marks a file that the service manager passes, by its name
// (systemd's LoadCredential=). It lies in a directory that is the service's own.
const CredentialPrefix = "credential:"

// ErrNoCredential is a credential that was not passed to this process.
var ErrNoCredential = exit.Sentinel(exit.Config,
	"credentials are for the relay that systemd starts: put LoadCredential=NAME:FILE into relay.service",
	"the service manager did not pass this credential")

// findCredentials replaces the names of credentials by paths in dir, where the
// service manager put them. Without dir the names stay, and MayOpen refuses them: a
// command that does not need the file must not fail.
func (c *Config) findCredentials(dir string) {
	if dir == "" {
		return
	}
	files := []*string{&c.TLS.Cert, &c.TLS.Key, &c.Delivery.SmarthostSecret}
	for i := range c.Source {
		files = append(files, &c.Source[i].Secret)
	}
	for i := range c.Route {
		files = append(files, &c.Route[i].Secret)
	}
	for _, file := range files {
		if name, ok := strings.CutPrefix(*file, CredentialPrefix); ok {
			*file = filepath.Join(dir, name)
		}
	}
}

// MayOpen refuses a file that is a credential this process was not given.
func MayOpen(file string) error {
	if strings.HasPrefix(file, CredentialPrefix) {
		return fmt.Errorf("%s: %w", file, ErrNoCredential)
	}
	return nil
}

// Secret is the first line of a file.
func Secret(path string) (string, error) {
	if err := MayOpen(path); err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", fmt.Errorf("%s: the first line is empty", path)
	}
	return line, nil
}

// isCredential wants credential:NAME, the name without a slash. It does not look at
// other files.
func isCredential(v *validator, key string, value any) {
	name, ok := strings.CutPrefix(value.(string), CredentialPrefix)
	if ok && (name == "" || name != filepath.Base(name) || name == "." || name == "..") {
		v.bad(key, "%q is not credential:NAME", value)
	}
}
