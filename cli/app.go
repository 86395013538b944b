package cli

import (
	"context"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
)

// App is the program as a value: everything it takes from the process it runs
// in, so that tests can hand it other things.
type App struct {
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Getenv func(string) string

	// Listen opens the sockets that mail comes in through.
	Listen func(network, address string) (net.Listener, error)

	// Signals starts the delivery of the signals that end the program, until
	// stop is called.
	Signals func() (c <-chan os.Signal, stop func())
}

// System is the program in this process.
func System() *App {
	return &App{
		Stdin:   os.Stdin,
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
		Getenv:  os.Getenv,
		Listen:  listenTCP,
		Signals: endSignals,
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

// Run runs one command line, without the program's name, and returns the exit
// code.
func (a *App) Run(ctx context.Context, args []string) int {
	if len(args) == 2 && args[0] == proveVerb {
		return report(a.Stderr, a.proveHere(ctx, args[1]))
	}
	p := &program{App: *a}
	return report(a.Stderr, p.run(ctx, args))
}
