package sandbox

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"

	cli "github.com/urfave/cli/v2"

	"relay/cli/clock"
	"relay/cli/config"
	"relay/cli/place"
	"relay/cli/shell"
	"relay/report/words"
	"relay/store"
)

// Program is what the sandbox needs of the program that it is a command of.
type Program struct {
	Name    string                                              // as it was called
	Listen  func(network, address string) (net.Listener, error) // opens a socket
	Advice  func(error) string                                  // about an address that cannot be bound
	Signals func() (c <-chan os.Signal, stop func())            // those that end the program
	Relay   func(Setup) (*Relay, error)                         // as relay serve runs it
}

// Setup of the relay.
type Setup struct {
	Config config.Config
	Dir    place.Dir
	Log    io.Writer
	Listen func(network, address string) (net.Listener, error)
}

// Relay is a relay that has not started yet.
type Relay struct {
	Log      *slog.Logger
	Stopping <-chan struct{} // closed when it begins to stop

	// Run runs it until a signal comes or ctx is done. It calls ready with its store once
	// it accepts mail.
	Run func(ctx context.Context, c clock.Clock, signals <-chan os.Signal, ready func(*store.Store)) error
}

// flags of relay sandbox.
type flags struct {
	at      momentFlag
	speed   speedFlag
	port    portFlag
	keep    string
	atLimit string
	traffic trafficFlag
	verbose bool
}

// Command is relay sandbox.
func Command(e *shell.Env, p Program) *cli.Command {
	f := &flags{}
	return shell.Command(&cli.Command{
		Name: "sandbox", Usage: "a whole relay on loopback, to try things out; no mail leaves it",
		Description: `A real relay in a temporary directory, which is removed at the end, with an account that can send at once. It listens on loopback alone, and hands what would leave to a sink of its own, which shows a line a message. No configuration is read.

An address may ask for trouble: mail to bounce… is refused for good, mail to defer… is put off each time, mail to later… is put off once. Reports (DSNs) come out at the sink like other mail.

Other commands work on it with --data DIR, as its first screen shows. With --at and --speed the clock of the business is moved: terms, months, retries and jobs go by it. The account has a yearly plan with a price, paid already, and goes on beyond its allowance. With --traffic it sends by itself, evenly over the month, and first of all what the month would have seen by then. So a month that ends shows in seconds how overage is invoiced, and in a minute what becomes of who does not pay:

  relay sandbox --at "2026-11-30 23:58" --speed 60 --traffic 120MB
  relay sandbox --at "2026-11-28" --speed 86400 --traffic 120MB`,
		Flags: []cli.Flag{
			&cli.GenericFlag{Name: "at", Usage: "`TIME` where the clock begins: 2026-11-30, \"2026-11-30 23:58\", or RFC 3339", Value: &f.at},
			&cli.GenericFlag{Name: "speed", Usage: "`N` how many times as fast as time the clock runs, up to " + words.Number(clock.MaxSpeed), Value: &f.speed},
			&cli.GenericFlag{Name: "traffic", Usage: "`SIZE` a month of mail of its own, such as 120MB: the plan holds 90 MB", Value: &f.traffic},
			&cli.StringFlag{Name: "at-limit", Usage: "`suspend|continue` what the account does beyond its allowance (default continue)", Destination: &f.atLimit},
			&cli.StringFlag{Name: "keep", Usage: "`DIR` write what would have left to files there, NAME.eml", Destination: &f.keep},
			&cli.GenericFlag{Name: "port", Usage: "`N` for STARTTLS on loopback; 0: any (default 2525, or any)", Value: &f.port},
			&cli.BoolFlag{Name: "verbose", Usage: "the relay's log on standard error, not in a file", Destination: &f.verbose},
		},
	}, func(ctx context.Context, _ []string) error { return run(ctx, e, p, f) })
}
