package setup

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
	"relay/cli/hostname"
	"relay/cli/kernel"
	"relay/cli/place"
	"relay/cli/shell"
	"relay/cli/wholefile"
	"relay/quota"
	"relay/store/mailsyntax"
)

// Machine is what an installation needs of this machine.
type Machine struct {
	Where     *place.Flags
	Addresses func() (kernel.Addresses, error)

	// Run runs a command line, in the running relay or here, and returns its result.
	Run func(ctx context.Context, args ...string) ([]byte, error)
}

// installation is a run of relay init: what it was asked for, and what it did.
type installation struct {
	*shell.Env
	machine Machine

	host, contact, account, plan string
	accountGiven                 bool

	file  string // the configuration's
	cfg   config.Config
	dir   place.Dir
	own   kernel.Addresses
	dkim  dkimKey
	made  []step
	login *login // nil: no account was made
}

// step is one thing that must be there in the end.
type step struct {
	Thing string `json:"thing"`
	Path  string `json:"path"`
	State string `json:"state"` // written, or kept
}

// login of the account that was made.
type login struct {
	Account  string `json:"account"`
	Login    string `json:"login"`
	Password string `json:"password"`
}

// Command is relay init.
func Command(e *shell.Env, m Machine) *cli.Command {
	s := installation{Env: e, machine: m}
	return shell.Command(&cli.Command{
		Name: "init", Usage: "write relay.toml, keys and the first account",
		Description: `Writes a configuration in which every key is explained, a self-signed TLS pair to begin with, a DKIM key pair, and an account with its password; and shows the DNS records to publish, which are also in dns.zone in the data directory.

Existing files are never overwritten; it says which it kept. Run it again to make what is missing and to show the records.

The configuration is written to --config, else RELAY_CONFIG, else for root to ` + config.SystemFile + `.

  relay init --hostname smtp.example.org --contact you@example.org`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "hostname", Usage: "`NAME` of this machine in the DNS, in full", Required: true, Destination: &s.host},
			&cli.StringFlag{Name: "contact", Usage: "`ADDRESS` of the operator, where reports about the account go (default postmaster@ the domain)", Destination: &s.contact},
			&cli.StringFlag{Name: "account", Usage: "`NAME` of the first account (default first, unless there is any)", Destination: &s.account},
			&cli.StringFlag{Name: "plan", Usage: "`PLAN` of that account (default entry)", Value: "entry", Destination: &s.plan},
		},
	}, func(ctx context.Context, _ []string) error { return s.install(ctx) })
}

func (s *installation) install(ctx context.Context) error {
	for _, do := range []func() error{s.check, s.configuration, s.directory, s.tls, s.dkimPair, s.zoneFile} {
		if err := do(); err != nil {
			return err
		}
	}
	if err := s.firstAccount(ctx); err != nil { // last: its password is shown only now
		return err
	}
	return s.show()
}

// check checks the flags, before anything is written.
func (s *installation) check() error {
	s.host = strings.ToLower(strings.TrimSuffix(s.host, "."))
	if !hostname.Full(s.host) || len(s.host) > 253 {
		return exit.Usage("the name under which the world finds this machine, such as smtp.example.org", "--hostname %q is not the full name of a host", s.host)
	}
	if s.contact == "" {
		s.contact = "postmaster@" + hostname.Organization(s.host)
	} else if !mailsyntax.IsAddress(s.contact) {
		return exit.Usage("", "--contact %q is not a mail address such as you@example.org", s.contact)
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

// kept notes that something was there before.
func (s *installation) kept(thing, path string) {
	s.made = append(s.made, step{thing, path, "kept"})
}

// wrote notes that something is new.
func (s *installation) wrote(thing, path string) {
	s.made = append(s.made, step{thing, path, "written"})
}

// configuration writes the configuration, or reads the one that is there.
func (s *installation) configuration() error {
	if s.file = s.machine.Where.File(); s.file == "" {
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
	s.cfg.Hostname = s.host
	if s.dir, err = s.machine.Where.Dir(&s.cfg); err != nil {
		return err
	}
	text = []byte(config.For(s.host, string(s.dir)))
	if s.cfg, err = config.Read(s.file, text); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.file), 0o755); err != nil {
		return err
	}
	if err := s.dir.Make(); err != nil { // before a file names it
		return err
	}
	if err := writeNew(s.file, text, 0o644, nil); err != nil { // the relay's user reads it, and it holds no secret
		return err
	}
	s.wrote("configuration", s.file)
	return nil
}

// keepConfiguration goes on with the file that is there, if it is for this host.
func (s *installation) keepConfiguration(text []byte) (err error) {
	if s.cfg, err = config.Read(s.file, text); err != nil {
		return err
	}
	if !strings.EqualFold(s.cfg.Hostname, s.host) {
		return exit.Fail(exit.Failed, "it is never overwritten: set hostname there yourself, or name another file with --config",
			"%s exists, and its hostname is %q", s.file, s.cfg.Hostname)
	}
	if s.dir, err = s.machine.Where.Dir(&s.cfg); err != nil {
		return err
	}
	if s.cfg.DataDir != "" && s.cfg.DataDir != string(s.dir) {
		s.Note("data_dir in %s is %s; what was named beside it, %s, is used here", s.file, s.cfg.DataDir, s.dir)
	}
	s.kept("configuration", s.file)
	return nil
}

// directory makes the data directory, and finds the machine's addresses.
func (s *installation) directory() (err error) {
	if err := s.dir.Make(); err != nil {
		return err
	}
	s.own, err = s.machine.Addresses()
	return err
}

// writeNew writes a file that must not be there yet: all of it, or nothing. adopt may be
// nil.
func writeNew(path string, text []byte, mode fs.FileMode, adopt func(string) error) error {
	err := writeOnce(path, text, mode, adopt)
	if _, noFile := os.Lstat(path); err != nil && noFile == nil { // another init wrote it, or it is a link that leads nowhere
		return exit.Fail(exit.Failed, "run relay init again; if that does not help, move it away", "%s is in the way", path)
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

// folder makes a directory in the data directory.
func (s *installation) folder(path string) error {
	if err := os.Mkdir(path, 0o700); errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		return err
	}
	return s.dir.Adopt(path)
}
