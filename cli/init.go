package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/config"
	"relay/cli/exit"
	"relay/cli/place"
	"relay/cli/wholefile"
	"relay/quota"
)

// installation is what relay init was asked for, and what it did.
type installation struct {
	*program
	hostname, contact, account, plan string
	accountGiven                     bool

	file  string // the configuration's
	cfg   config.Config
	dir   place.Dir
	own   Addresses
	dkim  dkimKey
	made  []installStep
	login *installLogin // nil: no account was made
}

// installStep is one thing that must be there in the end.
type installStep struct {
	Thing string `json:"thing"`
	Path  string `json:"path"`
	State string `json:"state"` // written, or kept
}

// installLogin is what account add --json prints.
type installLogin struct {
	Account  string `json:"account"`
	Login    string `json:"login"`
	Password string `json:"password"`
}

func (p *program) initCommand() *cli.Command {
	s := installation{}
	return p.here(&cli.Command{
		Name: "init", Usage: "write relay.toml, keys and the first account",
		Description: `Writes a configuration in which every key is explained, a self-signed TLS pair to begin with, a DKIM key pair, and an account with its password; and shows the DNS records to publish, which are also in dns.zone in the data directory.

Nothing is ever overwritten: what is there already is kept, and said so. Run again it makes what is missing, and shows the records again.

The configuration is written to --config, else RELAY_CONFIG, else for root to ` + config.SystemFile + `.

  relay init --hostname smtp.example.org --contact you@example.org`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "hostname", Usage: "`NAME` of this machine in the DNS, in full", Required: true, Destination: &s.hostname},
			&cli.StringFlag{Name: "contact", Usage: "`ADDRESS` of the operator, where reports about the account go (default postmaster@ the domain)", Destination: &s.contact},
			&cli.StringFlag{Name: "account", Usage: "`NAME` of the first account (default first, unless there is any)", Destination: &s.account},
			&cli.StringFlag{Name: "plan", Usage: "`PLAN` of that account (default entry)", Value: "entry", Destination: &s.plan},
		},
	}, func(ctx context.Context, _ []string) error {
		s.program = p
		return s.run(ctx)
	})
}

func (s *installation) run(ctx context.Context) error {
	for _, step := range []func() error{s.words, s.configuration, s.directory, s.tls, s.dkimPair, s.zoneFile} {
		if err := step(); err != nil {
			return err
		}
	}
	if err := s.firstAccount(ctx); err != nil { // last: its password is shown only now
		return err
	}
	return s.show()
}

// words checks what was given, before anything is written.
func (s *installation) words() error {
	s.hostname = strings.ToLower(strings.TrimSuffix(s.hostname, "."))
	if !fullName(s.hostname) || len(s.hostname) > 253 {
		return exit.Usage("the name under which the world finds this machine, such as smtp.example.org", "--hostname %q is not the full name of a host", s.hostname)
	}
	if s.contact == "" {
		s.contact = "postmaster@" + organization(s.hostname)
	} else if err := checkAddress(s.contact); err != nil {
		return err
	}
	s.accountGiven = s.account != ""
	if !s.accountGiven {
		s.account = "first"
	}
	if !quota.ValidName(s.account) {
		return exit.Usage("", "--account %q: up to 64 of a-z 0-9 . _ @ + -, the first one a letter or digit", s.account)
	}
	return nil
}

// kept notes that something was there before, wrote that it is new.
func (s *installation) kept(thing, path string) {
	s.made = append(s.made, installStep{thing, path, "kept"})
}
func (s *installation) wrote(thing, path string) {
	s.made = append(s.made, installStep{thing, path, "written"})
}

// configuration is written, or the one that is there is read.
func (s *installation) configuration() error {
	if s.file = orElse(s.where.Config, s.getenv("RELAY_CONFIG")); s.file == "" {
		if os.Geteuid() != 0 {
			return exit.Usage("name one with --config FILE, and set RELAY_CONFIG to it for all other commands; or run as root, for "+config.SystemFile,
				"where does the configuration go?")
		}
		s.file = config.SystemFile
	}
	file, err := filepath.Abs(s.file)
	if err != nil {
		return err
	}
	s.file = file
	text, err := os.ReadFile(s.file)
	switch {
	case err == nil:
		return s.keepConfiguration(text)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	s.cfg.Hostname = s.hostname
	if s.dir, err = s.where.Dir(&s.cfg); err != nil {
		return err
	}
	text = []byte(config.For(s.hostname, string(s.dir)))
	if s.cfg, err = config.Read(s.file, text); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.file), 0o755); err != nil {
		return err
	}
	if err := s.dir.Make(); err != nil { // before a file names it
		return err
	}
	if err := writeNew(s.file, text, 0o644, nil); err != nil { // the relay's user reads it, there is no secret in it
		return err
	}
	s.wrote("configuration", s.file)
	return nil
}

// keepConfiguration goes on with a file that is there, if it is about this host.
func (s *installation) keepConfiguration(text []byte) (err error) {
	if s.cfg, err = config.Read(s.file, text); err != nil {
		return err
	}
	if !strings.EqualFold(s.cfg.Hostname, s.hostname) {
		return exit.Fail(exit.Failed, "it is never overwritten: set hostname there yourself, or name another file with --config",
			"%s exists, and its hostname is %q", s.file, s.cfg.Hostname)
	}
	if s.dir, err = s.where.Dir(&s.cfg); err != nil {
		return err
	}
	if s.cfg.DataDir != "" && s.cfg.DataDir != string(s.dir) {
		s.note("data_dir in %s is %s; what was named beside it, %s, is used here", s.file, s.cfg.DataDir, s.dir)
	}
	s.kept("configuration", s.file)
	return nil
}

func (s *installation) directory() (err error) {
	if err := s.dir.Make(); err != nil {
		return err
	}
	s.own, err = s.addresses()
	return err
}

// writeNew writes a file that must not be there yet: whole, or not at all. adopt
// may be nil.
func writeNew(path string, text []byte, mode fs.FileMode, adopt func(string) error) error {
	err := writeOnce(path, text, mode, adopt)
	if _, noFile := os.Lstat(path); err != nil && noFile == nil { // of another init, or a link that leads nowhere
		return exit.Fail(exit.Failed, "run relay init again; where that does not help, move it away", "%s is in the way", path)
	}
	return err
}

func writeOnce(path string, text []byte, mode fs.FileMode, adopt func(string) error) error {
	out, err := wholefile.New(path, false)
	if err != nil {
		return err
	}
	defer out.Discard()
	if _, err := out.Write(text); err != nil {
		return err
	}
	if err := out.Chmod(mode); err != nil {
		return err
	}
	if adopt != nil {
		if err := adopt(out.Name()); err != nil {
			return err
		}
	}
	return out.Keep()
}

// folder makes a directory of the data directory's.
func (s *installation) folder(path string) error {
	if err := os.Mkdir(path, 0o700); errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		return err
	}
	return s.dir.Adopt(path)
}
