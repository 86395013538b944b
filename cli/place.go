package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"relay/cli/config"
	"relay/cli/exit"
	"relay/cli/wholefile"
)

// systemData is where root's relay keeps what must last.
const systemData = "/var/lib/relay"

// place is a data directory.
type place string

func (d place) store() string       { return filepath.Join(string(d), "relay.db") }
func (d place) numbers() string     { return filepath.Join(string(d), "relay.invoices") } // highest number of an invoice
func (d place) socket() string      { return filepath.Join(string(d), "relay.sock") }
func (d place) tls(s string) string { return filepath.Join(string(d), "tls", s) }

// place finds the data directory: --data, RELAY_DATA, the configuration, else
// the system's for root and one below the home directory for others.
func (p *program) place(c *config.Config) (place, error) {
	for _, dir := range []string{p.data, p.getenv("RELAY_DATA"), c.DataDir} {
		if dir != "" {
			return absolute(dir)
		}
	}
	if os.Geteuid() == 0 {
		return systemData, nil
	}
	if dir := p.getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return place(filepath.Join(dir, "relay")), nil
	}
	if home := p.getenv("HOME"); home != "" {
		return absolute(filepath.Join(home, ".local", "share", "relay"))
	}
	return "", exit.Fail(exit.Config, "name one with --data DIR", "no data directory: neither data_dir nor HOME is set")
}

// load is the configuration that the command line names, or the usual one.
func (p *program) load() (config.Config, error) { return config.Load(p.config, p.getenv) }

// home is the configuration and the data directory it leads to.
func (p *program) home() (cfg config.Config, dir place, err error) {
	if cfg, err = p.load(); err != nil {
		return cfg, dir, err
	}
	dir, err = p.place(&cfg)
	return cfg, dir, err
}

func absolute(dir string) (place, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", exit.Fail(exit.Config, "name it in full, with --data /DIR or as data_dir", "data directory: %w", err)
	}
	return place(abs), nil
}

// make creates the directory, for its owner only.
func (d place) make() error {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return exit.Fail(exit.Failed, "name another one with --data DIR, or run as the user that owns it", "data directory: %w", err)
	}
	return nil
}

// isNew reports whether there is no store yet.
func (d place) isNew() bool {
	_, err := os.Lstat(d.store())
	return errors.Is(err, fs.ErrNotExist)
}

// adopt gives a file that root made to the directory's owner, as whom the relay
// will run.
func (d place) adopt(path string) error { return wholefile.Adopt(string(d), path) }
