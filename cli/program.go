package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	cli "github.com/urfave/cli/v2"

	"relay/cli/accounts"
	"relay/cli/backup"
	"relay/cli/billing"
	"relay/cli/build"
	"relay/cli/check"
	"relay/cli/config"
	"relay/cli/delivery"
	"relay/cli/domains"
	"relay/cli/errorlist"
	"relay/cli/exit"
	"relay/cli/host"
	"relay/cli/lists"
	"relay/cli/mail"
	"relay/cli/owners"
	"relay/cli/place"
	"relay/cli/plans"
	"relay/cli/reports"
	"relay/cli/sendmail"
	"relay/cli/setup"
	"relay/cli/shell"
	outlets "relay/cli/sources"
	"relay/cli/suppressions"
	"relay/cli/trial"
)

// program runs one command line. Each gets a new one, since the flags are kept in it.
type program struct {
	App

	where place.Flags // --config, --data
	json  bool        // --json

	api       string // --api
	tokenFile string // --token-file

	named *shell.Line // the command line that runs
	env   *shell.Env
}

// newProgram returns the program for one command line.
func newProgram(a App) *program { return &program{App: a, where: place.Flags{Getenv: a.Getenv}} }

// globals are the flags that every command takes.
func (p *program) globals() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "config", Usage: "`FILE` the configuration (RELAY_CONFIG; default " + config.SystemFile + ")", Destination: &p.where.Config},
		&cli.StringFlag{Name: "data", Usage: "`DIR` the data directory (RELAY_DATA; default data_dir)", Destination: &p.where.Data},
		&cli.StringFlag{Name: "token-file", Usage: "`FILE` a reseller's token: the command is the reseller's (RELAY_TOKEN: the token itself)", Destination: &p.tokenFile},
		&cli.StringFlag{Name: "api", Usage: "`URL` the relay that the token is for, https://host:port (RELAY_API; default the one of this machine)", Destination: &p.api},
		&cli.BoolFlag{Name: "json", Usage: "one JSON document on standard output", Destination: &p.json},
	}
}

// commands in the order of the help page.
func (p *program) commands() []*cli.Command {
	copies := &backup.Commands{Env: p.env, Where: &p.where, Signals: p.Signals}
	return []*cli.Command{
		p.serveCommand(),
		p.sandboxCommand(),
		setup.Command(p.env, setup.Machine{Where: &p.where, Addresses: p.addresses, Run: p.inside}),
		check.Command(p.env, check.Machine{Where: &p.where, Addresses: p.addresses, Listen: p.Listen, Wall: p.Wall, Kept: p.Kept}),
		trial.Command(p.env),
		host.HealthCommand(p.env),
		host.ReloadCommand(p.env),
		accounts.Command(p.env),
		owners.CustomerCommand(p.env),
		owners.ResellerCommand(p.env),
		plans.Command(p.env),
		billing.InvoiceCommand(p.env),
		billing.PaymentCommand(p.env),
		mail.UsageCommand(p.env),
		mail.QueueCommand(p.env),
		mail.TraceCommand(p.env),
		delivery.Command(p.env, &p.where),
		outlets.Command(p.env),
		domains.Command(p.env),
		suppressions.Command(p.env),
		errorlist.Command(p.env),
		lists.Command(p.env, p.Signals),
		reports.Command(p.env),
		host.BanCommand(p.env),
		host.JobCommand(p.env),
		copies.Backup(),
		copies.Restore(),
		copies.Compact(),
		sendmail.Command(),
		shell.CompletionCommand(p.env),
		shell.ManCommand(p.env, p.manual),
		shell.VersionCommand(p.env),
	}
}

// chapters of the first screen name every command once.
var chapters = []shell.Chapter{
	{Purpose: "try and set up", Commands: "sandbox init serve check test"},
	{Purpose: "accounts and plans", Commands: "account customer reseller plan"},
	{Purpose: "money", Commands: "invoice payment"},
	{Purpose: "mail", Commands: "queue trace usage report sendmail"},
	{Purpose: "how mail goes out", Commands: "delivery source domain suppression errors list"},
	{Purpose: "running", Commands: "health reload ban job"},
	{Purpose: "the store", Commands: "backup restore compact"},
	{Purpose: "this program", Commands: "completion man version"},
}

// manual is the content of the manual page.
func (p *program) manual() *shell.Manual {
	return &shell.Manual{Version: build.Read().Version, Globals: p.globals(), Commands: p.commands(), Files: [][2]string{
		{config.SystemFile, "The configuration, unless --config or RELAY_CONFIG names another. All of it has defaults."},
		{place.System, "The data directory of root's relay, unless --data, RELAY_DATA or data_dir names another; else ~/.local/share/relay. It holds relay.db, relay.sock while a relay runs, and tls/ with a self-signed certificate."},
	}}
}

// run runs a command line, or shows help.
func (p *program) run(ctx context.Context, args []string) error {
	p.env = p.newEnv()
	root := &cli.Command{Name: "relay", Subcommands: p.commands()}
	l, err := shell.Parse(root, p.globals(), usual(args))
	if err != nil {
		return err
	}
	p.named = l
	if err := p.permitted(l); err != nil {
		return err
	}
	switch {
	case l.Help:
		return shell.Help(p.Stdout, l, p.globals())
	case len(l.Cmd().Subcommands) > 0:
		if l.Command() == "" {
			return errors.Join(shell.Overview(p.Stderr, chapters), exit.Code(exit.WrongUsage))
		}
		if err := shell.Help(p.Stderr, l, p.globals()); err != nil {
			return err
		}
		return exit.Code(exit.WrongUsage)
	}
	if err := l.Check(); err != nil {
		return err
	}
	return p.runCommand(ctx, root, l)
}

// usual turns forms that people try, relay help COMMAND and relay --version, into relay's own.
func usual(args []string) []string {
	switch {
	case len(args) > 0 && args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	case len(args) == 1 && args[0] == "--version":
		return []string{"version"}
	}
	return args
}

// runCommand runs a command line that was checked, by the library.
func (p *program) runCommand(ctx context.Context, root *cli.Command, l *shell.Line) error {
	app := &cli.App{
		Name:           root.Name,
		Commands:       root.Subcommands,
		Flags:          p.globals(),
		HideHelp:       true,
		HideVersion:    true,
		Writer:         io.Discard, // the library's own messages are not shown
		ErrWriter:      io.Discard,
		ExitErrHandler: func(*cli.Context, error) {},
		Before:         func(*cli.Context) error { p.env.JSON = p.json; return nil },
	}
	l.Cmd().OnUsageError = func(_ *cli.Context, err error, _ bool) error { return flagError(l, err) }
	return errors.Join(app.RunContext(ctx, append([]string{root.Name}, l.Sorted()...)), p.env.Service.Close(), p.env.Running.Close())
}

// flagError shortens the library's error to the flag and what is wrong with its value.
func flagError(l *shell.Line, err error) error {
	text := err.Error()
	if _, rest, ok := strings.Cut(text, " for flag -"); ok {
		text = "--" + rest
	}
	return exit.Usage(l.Hint(), "%s", text)
}

// inside runs another command line as a part of this one, and returns its output. Its
// notes and errors are shown only if it fails.
func (p *program) inside(ctx context.Context, args ...string) ([]byte, error) {
	var out, words bytes.Buffer
	q := newProgram(p.App)
	q.Stdout, q.Stderr = &out, &words
	err := q.run(ctx, args)
	if _, told := errors.AsType[exit.Code](err); told {
		_, _ = words.WriteTo(p.Stderr)
	}
	return out.Bytes(), err
}
