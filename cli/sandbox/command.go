package sandbox

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/clock"
	"relay/cli/config"
	"relay/cli/place"
	"relay/cli/shell"
	"relay/report/api/field"
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
	at      *time.Time // when the clock starts; nil: now
	speed   *int64     // how many times as fast as real time
	port    *int64     // 0: any; nil: the usual one, or any
	keep    string
	atLimit string
	traffic *int64 // octets a month
	verbose bool
}

// Command is relay sandbox.
func Command(e *shell.Env, p Program) *cli.Command {
	f := &flags{}
	return shell.Command(&cli.Command{
		Name: "sandbox", Usage: "a whole relay on loopback, to try things out; no mail leaves it",
		Description: `A real relay in a temporary directory, which is removed at the end, with an account that can send at once. It listens on loopback only and delivers all mail to its own sink, which shows a line for each message. It reads no configuration.

Some addresses cause trouble: mail to bounce… is refused permanently, mail to defer… is deferred every time, mail to later… is deferred once. Reports (DSNs) arrive at the sink like other mail.

Other commands work on it with --data DIR, as its first screen shows. --at and --speed move the clock that terms, months, retries and jobs go by. The account has a yearly plan with a price, already paid, and may send beyond its allowance. With --traffic the sandbox generates mail, evenly over the month, starting with the month's mail up to now. So it shows in seconds how overage is invoiced when a month ends, and in a minute what happens to an account that does not pay:

  relay sandbox --at "2026-11-30 23:58" --speed 60 --traffic 120MB
  relay sandbox --at "2026-11-28" --speed 86400 --traffic 120MB`,
		Flags: []cli.Flag{
			shell.ParsedFlag("at", "`TIME` at which the clock starts: 2026-11-30, \"2026-11-30 23:58\", or RFC 3339", parseMoment, &f.at),
			shell.ParsedFlag("speed", "`N` times as fast as real time the clock runs, up to "+words.Number(clock.MaxSpeed), parseSpeed, &f.speed),
			shell.ParsedFlag("traffic", "`SIZE` of mail to generate a month, such as 120MB: the plan allows 90 MB", parseTraffic, &f.traffic),
			&cli.StringFlag{Name: "at-limit", Usage: "`suspend|continue` beyond the account's allowance (default continue)", Destination: &f.atLimit},
			&cli.StringFlag{Name: "keep", Usage: "`DIR` to keep mail that would have left, one file NAME.eml each", Destination: &f.keep},
			shell.ParsedFlag("port", "`N` for STARTTLS on loopback; 0: any free port (default 2525, or any)", parsePort, &f.port),
			&cli.BoolFlag{Name: "verbose", Usage: "write the relay's log to standard error, not to a file", Destination: &f.verbose},
		},
	}, func(ctx context.Context, _ []string) error { return run(ctx, e, p, f) })
}

// parseMoment reads an instant in the operator's zone.
func parseMoment(text string) (time.Time, error) { return words.ParseMoment(text, time.Local) }

// parseSpeed reads how many times as fast as real time the clock runs.
func parseSpeed(text string) (int64, error) {
	n, err := words.ParseCount(text)
	if err == nil && (n < 1 || n > clock.MaxSpeed) {
		err = fmt.Errorf("%s is not between 1 and %s", text, words.Number(clock.MaxSpeed))
	}
	return n, err
}

// parseTraffic reads how many octets the sandbox sends a month.
func parseTraffic(text string) (int64, error) {
	n, err := words.ParseSize(text)
	if err == nil && (n < leastTraffic || n > mostTraffic) {
		err = fmt.Errorf("%s is not between %s and %s", text, words.Size(leastTraffic), words.Size(mostTraffic))
	}
	return n, err
}

// parsePort reads a TCP port; 0: any.
func parsePort(text string) (int64, error) {
	n, err := words.ParseCount(text)
	if err != nil || n < 0 || n > 65535 {
		return n, fmt.Errorf("%q is not a port, 0 to 65535", text)
	}
	return n, nil
}

// begin is the time at which the clock starts.
func (f *flags) begin() time.Time {
	return field.Or(f.at, time.Now())
}

// clock starts the clock that the flags ask for.
func (f *flags) clock() clock.Clock {
	if f.at == nil && f.speed == nil {
		return clock.Clock{}
	}
	return clock.New(f.begin(), field.Or0(f.speed))
}
