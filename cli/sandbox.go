package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/clock"
	"relay/cli/config"
	"relay/cli/control"
	"relay/cli/exit"
	"relay/cli/place"
	"relay/cli/sandbox/sink"
	"relay/quota"
	"relay/report/words"
)

// sandboxFlags are what relay sandbox was asked for.
type sandboxFlags struct {
	at      momentFlag
	speed   speedFlag
	port    portFlag
	keep    string
	atLimit string
	traffic trafficFlag
	verbose bool
}

func (p *program) sandboxCommand() *cli.Command {
	f := &sandboxFlags{}
	return p.here(&cli.Command{
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
	}, func(ctx context.Context, _ []string) error { return p.sandbox(ctx, f) })
}

// sandbox is a relay to play with, and all that belongs to it.
type sandbox struct {
	*program // with the streams of the relay

	dir   place.Dir // temporary; "": none yet
	log   *os.File
	clock clock.Clock
	relay *relay
	out   *feed

	starttls, implicit, hop net.Listener

	sink    *sink.Sink
	unsink  context.CancelFunc
	sunk    chan error // the sink has ended
	account secretView
	ordered uint64 // last ledger entry of the account's first order
	traffic int64  // octets a month that it sends by itself; 0: none
}

// sandbox runs one until a signal comes. What it has made is gone afterwards.
func (p *program) sandbox(ctx context.Context, f *sandboxFlags) error {
	if p.where.Config != "" || p.where.Data != "" {
		return exit.Usage("leave --config and --data out", "a sandbox reads no configuration and has a directory of its own")
	}
	s := &sandbox{out: &feed{w: p.Stdout}}
	if p.json {
		s.out.w = p.Stderr
	}
	folder, err := openFolder(f.keep)
	if err != nil {
		return err
	}
	signals, stopSignals := p.Signals()
	defer stopSignals()
	ctx, s.out.broken = context.WithCancel(ctx)
	defer s.out.broken()
	defer s.watchTerminal()()

	err = s.prepare(p, f, folder)
	if err == nil {
		err = s.addAccount(ctx, f.begin(), orElse(f.atLimit, string(quota.Continue)))
	}
	if err == nil {
		s.start(f)
		err = s.live(ctx, signals)
	}
	return errors.Join(err, s.remove(err))
}

// watchTerminal has a terminal or a pipe that went away end the sandbox as a
// signal does, so that it can clean up, until stop is called.
func (s *sandbox) watchTerminal() (stop func()) {
	signal.Ignore(syscall.SIGPIPE) // the write fails instead
	if signal.Ignored(syscall.SIGHUP) {
		return func() { signal.Reset(syscall.SIGPIPE) } // nohup
	}
	gone := make(chan os.Signal, 1)
	signal.Notify(gone, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		select {
		case <-gone:
			s.out.broken()
		case <-done:
		}
	}()
	return func() {
		signal.Stop(gone)
		close(done)
		signal.Reset(syscall.SIGPIPE)
	}
}

func openFolder(dir string) (*sink.Folder, error) {
	if dir == "" {
		return nil, nil
	}
	f, err := sink.OpenFolder(dir)
	if err != nil {
		return nil, exit.Fail(exit.Failed, "name a directory that you may write to", "--keep: %w", err)
	}
	return f, nil
}

// prepare makes directory, log, sockets, sink and relay; nothing runs yet.
func (s *sandbox) prepare(p *program, f *sandboxFlags, folder *sink.Folder) (err error) {
	if err := s.listen(p, f.port); err != nil {
		return err
	}
	if s.dir, err = shortDir(); err != nil {
		return err
	}
	inner := *p
	if !f.verbose {
		if s.log, err = os.OpenFile(s.logFile(), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
			return err
		}
		inner.Stderr = s.log
	}
	inner.Listen = s.bound
	inner.Reloads, inner.Sockets, inner.Supervisor = nil, nil, nil
	s.program = &inner
	s.sink = sink.New(sink.Config{Now: s.now, Folder: folder, Taken: s.tellTaken, Refused: s.tellRefused})
	if s.relay, err = newRelay(s.machine(), s.setup(), s.dir); err != nil {
		return err
	}
	return nil
}

// start lets the clock run. The account was there before it: a month that is
// over while the relay starts is one of the account's.
func (s *sandbox) start(f *sandboxFlags) {
	s.clock, s.traffic = f.clock(), f.traffic.n
	s.relay.clock = s.clock
}

func (s *sandbox) now() time.Time { return s.clock.Now() }

func (s *sandbox) logFile() string { return filepath.Join(string(s.dir), "relay.log") }

// shortDir is a new temporary directory for its owner alone, whose path leaves
// room for a socket's.
func shortDir() (place.Dir, error) {
	base := os.TempDir()
	if len(filepath.Join(base, "relay-0123456789", place.Dir("").Socket())) > control.MaxPath {
		base = "/tmp"
	}
	dir, err := os.MkdirTemp(base, "relay-")
	if err != nil {
		return "", exit.Fail(exit.Failed, "set TMPDIR to a directory that you may write to", "temporary directory: %w", err)
	}
	return place.Dir(dir), nil
}

// The ports that a sandbox has when they are free.
const (
	starttlsPort = 2525
	implicitPort = 2465
)

// listen binds the ports, on loopback only.
func (s *sandbox) listen(p *program, port portFlag) (err error) {
	one, other := starttlsPort, implicitPort
	if port.set {
		one = port.n
	}
	if port.set && port.n == 0 {
		other = 0
	}
	if s.starttls, err = p.loopback(one, !port.set); err != nil {
		return err
	}
	if s.implicit, err = p.loopback(other, true); err != nil {
		return err
	}
	s.hop, err = p.loopback(0, false)
	return err
}

// loopback binds a port, or any other where that is taken and another will do.
func (p *program) loopback(port int, orAny bool) (net.Listener, error) {
	ln, err := p.Listen("tcp", loopbackAddr(port))
	if err != nil && orAny {
		ln, err = p.Listen("tcp", loopbackAddr(0))
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, exit.Fail(exit.Failed, "choose another one with --port N; --port 0 takes any", "listen on %s: %w", loopbackAddr(port), err)
	case err != nil:
		return nil, exit.Fail(exit.Failed, bindAdvice(err), "listen on %s: %w", loopbackAddr(port), err)
	}
	return ln, nil
}

func loopbackAddr(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// bound hands the relay the socket that is bound already.
func (s *sandbox) bound(network, addr string) (net.Listener, error) {
	for _, ln := range []net.Listener{s.starttls, s.implicit} {
		if ln.Addr().String() == addr {
			return ln, nil
		}
	}
	return nil, &net.OpError{Op: "listen", Net: network, Err: syscall.EADDRNOTAVAIL}
}

// setup is the relay's configuration: all mail goes to the sink.
func (s *sandbox) setup() config.Config {
	c := config.Default()
	c.Hostname = "localhost"
	c.Drain = config.Lasting("5s")
	c.Listen = []config.Listen{
		{Addr: s.starttls.Addr().String(), TLS: "starttls"},
		{Addr: s.implicit.Addr().String(), TLS: "implicit"},
	}
	c.Delivery.Smarthost = s.hop.Addr().String()
	c.Delivery.SmarthostTLS = "none"
	c.Delivery.AllowPrivate = true
	c.Billing.Seller = []string{"The sandbox"}
	c.Billing.DueDays, c.Billing.GraceDays = demoDays, demoDays
	return c
}

// live runs sink and relay, shows the first screen, and returns when the relay
// has stopped. The sink is stopped after it.
func (s *sandbox) live(ctx context.Context, signals <-chan os.Signal) error {
	hop, unsink := context.WithCancel(context.WithoutCancel(ctx))
	s.unsink, s.sunk = unsink, make(chan error, 1)
	go func() { s.sunk <- s.sink.Run(hop, s.hop) }()

	ctx, end := context.WithCancel(ctx)
	defer end()
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- s.relay.operate(ctx, signals, func() { close(ready) }) }()
	select {
	case err := <-ended:
		return err
	case <-ready:
	}
	touring, stopTour := context.WithCancel(ctx)
	var tour sync.WaitGroup
	defer tour.Wait()
	defer stopTour()
	shown := make(chan error, 1)
	tour.Go(func() {
		err := s.show(touring)
		shown <- err
		if err == nil && s.traffic > 0 {
			(&traffic{sandbox: s, month: s.traffic}).run(touring)
		}
	})
	tour.Go(func() { s.teller(touring) })
	select {
	case err := <-ended:
		stopTour()
		<-shown
		return err
	case err := <-shown:
		select {
		case <-s.relay.stopping:
			err = nil // a signal came before the screen was there
		default:
			if err != nil {
				end()
			}
		}
		return errors.Join(err, <-ended)
	}
}

// remove stops the sink, says how it went, and removes everything. Where the
// relay was cut off nothing is said: its store may be open still.
func (s *sandbox) remove(failed error) error {
	var errs []error
	if s.sunk != nil {
		s.unsink()
		errs = append(errs, <-s.sunk)
	}
	for _, ln := range []net.Listener{s.starttls, s.implicit, s.hop} {
		if ln != nil {
			_ = ln.Close() // closed by its owner, as a rule
		}
	}
	if failed == nil {
		errs = append(errs, s.sum())
	}
	if s.log != nil {
		errs = append(errs, s.log.Close())
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(string(s.dir)))
	}
	s.out.finish()
	return errors.Join(errs...)
}

// trust is a client's configuration that takes the sandbox's certificate alone.
func (s *sandbox) trust() (*tls.Config, error) {
	pool, err := poolOf(s.certificateFile())
	return &tls.Config{RootCAs: pool, ServerName: "localhost"}, err
}

func (s *sandbox) certificateFile() string { return s.dir.TLS("selfsigned.crt") }
