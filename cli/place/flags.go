package place

import (
	"cmp"
	"os"
	"path/filepath"

	"relay/cli/config"
	"relay/cli/exit"
)

// Flags say where the configuration and the data directory are.
type Flags struct {
	Config string              // --config
	Data   string              // --data
	Getenv func(string) string // nil: the environment says nothing
}

// Env is a variable of the environment; "": it is not set.
func (f *Flags) Env(name string) string {
	if f.Getenv == nil {
		return ""
	}
	return f.Getenv(name)
}

// File is the configuration that --config or RELAY_CONFIG names; "": neither does.
func (f *Flags) File() string { return cmp.Or(f.Config, f.Env("RELAY_CONFIG")) }

// Load reads the configuration that the command line names, or the usual one.
func (f *Flags) Load() (config.Config, error) { return config.Load(f.Config, f.Env) }

// Home is the configuration and the data directory that follows from it.
func (f *Flags) Home() (cfg config.Config, dir Dir, err error) {
	if cfg, err = f.Load(); err != nil {
		return cfg, dir, err
	}
	dir, err = f.Dir(&cfg)
	return cfg, dir, err
}

// Dir finds the data directory: --data, RELAY_DATA, the configuration, else
// the system's for root and one below the home directory for others.
func (f *Flags) Dir(c *config.Config) (Dir, error) {
	for _, dir := range []string{f.Data, f.Env("RELAY_DATA"), c.DataDir} {
		if dir != "" {
			return absolute(dir)
		}
	}
	if os.Geteuid() == 0 {
		return System, nil
	}
	if dir := f.Env("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return Dir(filepath.Join(dir, "relay")), nil
	}
	if home := f.Env("HOME"); home != "" {
		return absolute(filepath.Join(home, ".local", "share", "relay"))
	}
	return "", exit.Fail(exit.Config, "name one with --data DIR", "no data directory: neither data_dir nor HOME is set")
}

func absolute(dir string) (Dir, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", exit.Fail(exit.Config, "name it in full, with --data /DIR or as data_dir", "data directory: %w", err)
	}
	return Dir(abs), nil
}
