package cli

import (
	"context"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"relay/cli/exit"
	"relay/cli/kernel"
	"relay/cli/proof"
	"relay/cli/sendmail"
	"relay/cli/serve"
	"relay/cli/shell"
)

// App is the program as a value: everything it takes from the process it runs
// in, so that tests can hand it other things.
type App struct {
	Name   string // what it was called as; some names are sendmail's
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Getenv func(string) string

	// Listen opens the sockets that mail comes in through.
	Listen func(network, address string) (net.Listener, error)

	// Addresses returns this machine's addresses; nil: those of its interfaces.
	Addresses func() (kernel.Addresses, error)

	// Signals starts the delivery of the signals that end the program, until
	// stop is called.
	Signals func() (c <-chan os.Signal, stop func())

	// Reloads does the same for the signal that asks for a reload of the
	// configuration; nil: none comes.
	Reloads func() (c <-chan os.Signal, stop func())

	// Outlive keeps the process alive when the reader of its output goes away; nil:
	// SIGPIPE stays as it is.
	Outlive func()

	// Sockets hands over what the service manager passed to the process, by
	// name, once; nil: nothing.
	Sockets func() (map[string][]net.Listener, error)

	// Wall is the system's clock; nil: time.Now. Kept reports whether a time service
	// keeps it right; nil: the kernel is asked.
	Wall func() time.Time
	Kept func() bool

	// Supervisor is the service manager above the process; nil: there is none.
	Supervisor func() serve.Supervisor
}

// System is the program in this process.
func System() *App {
	return &App{
		Name:       os.Args[0],
		Stdin:      os.Stdin,
		Stdout:     os.Stdout,
		Stderr:     os.Stderr,
		Getenv:     os.Getenv,
		Listen:     listenTCP,
		Signals:    endSignals,
		Reloads:    reloadSignals,
		Outlive:    outliveReaders,
		Sockets:    serve.PassedSockets,
		Supervisor: serve.Systemd,
	}
}

// listenTCP sets no keep-alive on what it accepts: idle deadlines find a dead
// client, and four system calls a connection are saved.
func listenTCP(network, address string) (net.Listener, error) {
	c := net.ListenConfig{KeepAlive: -1}
	return c.Listen(context.Background(), network, address)
}

func endSignals() (<-chan os.Signal, func()) {
	c := make(chan os.Signal, 2) // the second one must not be missed
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	return c, func() { signal.Stop(c) }
}

// reloadSignals never lets SIGHUP end the process, not even after stop.
func reloadSignals() (<-chan os.Signal, func()) {
	c := make(chan os.Signal, 1) // several that come at once are one
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Ignore(syscall.SIGHUP) }
}

// outliveReaders catches SIGPIPE, which would end the process when nobody reads its
// standard output or error. The write then fails instead. The signal is not ignored,
// since processes that this one starts would inherit that.
func outliveReaders() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

// Run runs one command line, without the program's name, and returns the exit
// code.
func (a *App) Run(ctx context.Context, args []string) int {
	if len(args) > 1 && args[0] == proof.Verb {
		return exit.Report(a.Stderr, proof.Here(ctx, a.Stdout, a.Stderr, args[1], args[2:]))
	}
	p := newProgram(*a)
	if len(args) > 0 && args[0] == shell.CompleteVerb {
		return exit.Report(a.Stderr, p.complete(ctx, args[1:]))
	}
	if own, rest, ok := sendmail.Split(a.Name, args); ok {
		mail := sendmail.Program{Env: p.newEnv(), Where: &p.where, Relay: p.run}
		return exit.Report(a.Stderr, mail.Run(ctx, own, rest))
	}
	return exit.Report(a.Stderr, p.run(ctx, args))
}

// addresses returns this machine's addresses, or those of a test.
func (a *App) addresses() (kernel.Addresses, error) {
	if a.Addresses != nil {
		return a.Addresses()
	}
	return kernel.OwnAddresses()
}
