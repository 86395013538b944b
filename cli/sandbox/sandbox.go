package sandbox

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"relay/cli/clock"
	"relay/cli/config"
	"relay/cli/control"
	"relay/cli/exit"
	"relay/cli/place"
	"relay/cli/sandbox/sink"
	"relay/cli/shell"
	"relay/quota"
	"relay/report/api/field"
	"relay/store"
)

// sandbox is a relay to try things out, with everything that belongs to it.
type sandbox struct {
	env     *shell.Env
	program Program

	dir   place.Dir // temporary; "": none yet
	log   *os.File  // of the relay; nil: it writes to standard error
	cfg   config.Config
	clock clock.Clock
	relay *Relay
	store *store.Store // of the running relay
	out   *feed

	starttls, implicit, hop net.Listener

	sink    *sink.Sink
	unsink  context.CancelFunc
	sunk    chan error // receives the sink's result when it has ended
	account login
	ordered uint64 // last ledger entry of the account's first order
	traffic int64  // octets a month of generated mail; 0: none
}

// run runs a sandbox until a signal comes, and removes everything it has created.
func run(ctx context.Context, e *shell.Env, p Program, f *flags) error {
	s := &sandbox{env: e, program: p, out: &feed{w: e.Stdout}}
	if e.JSON {
		s.out.w = e.Stderr
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

	err = s.prepare(f, folder)
	if err == nil {
		err = s.addAccount(ctx, f.begin(), cmp.Or(f.atLimit, string(quota.Continue)))
	}
	if err == nil {
		s.start(f)
		err = s.live(ctx, signals)
	}
	return errors.Join(err, s.remove(err))
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

// prepare creates directory, log, sockets, sink and relay; nothing runs yet.
func (s *sandbox) prepare(f *flags, folder *sink.Folder) (err error) {
	if err := s.listen(f.port); err != nil {
		return err
	}
	if s.dir, err = shortDir(); err != nil {
		return err
	}
	log := s.env.Stderr
	if !f.verbose {
		if s.log, err = os.OpenFile(s.logFile(), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
			return err
		}
		log = s.log
	}
	s.sink = sink.New(sink.Config{Now: s.now, Folder: folder, Taken: s.tellTaken, Refused: s.tellRefused})
	s.cfg = s.setup()
	s.relay, err = s.program.Relay(Setup{Config: s.cfg, Dir: s.dir, Log: log, Listen: s.bound})
	return err
}

// start starts the clock. The account exists before that, so a month that ends while the
// relay starts belongs to the account.
func (s *sandbox) start(f *flags) {
	s.clock, s.traffic = f.clock(), field.Or0(f.traffic)
}

func (s *sandbox) now() time.Time { return s.clock.Now() }

func (s *sandbox) logFile() string { return filepath.Join(string(s.dir), "relay.log") }

// shortDir creates a temporary directory for its owner alone, with a path short enough
// for a socket in it.
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
	c.Backup.Check = "" // a week is a few minutes
	c.Billing.Seller = []string{seller}
	c.Billing.DueDays, c.Billing.GraceDays = demoDays, demoDays
	return c
}

// live runs sink and relay, shows the first screen, and returns when the relay has
// stopped. The sink stops after it.
func (s *sandbox) live(ctx context.Context, signals <-chan os.Signal) error {
	hop, unsink := context.WithCancel(context.WithoutCancel(ctx))
	s.unsink, s.sunk = unsink, make(chan error, 1)
	go func() { s.sunk <- s.sink.Run(hop, s.hop) }()

	ctx, end := context.WithCancel(ctx)
	defer end()
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- s.relay.Run(ctx, s.clock, signals, func(st *store.Store) { s.store = st; close(ready) })
	}()
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
	tour.Go(func() { s.tell(touring) })
	select {
	case err := <-ended:
		stopTour()
		<-shown
		return err
	case err := <-shown:
		select {
		case <-s.relay.Stopping:
			err = nil // a signal came before the screen was there
		default:
			if err != nil {
				end()
			}
		}
		return errors.Join(err, <-ended)
	}
}

// remove stops the sink, writes the summary and removes everything. There is no summary
// when the relay was cut off, because its store may still be open.
func (s *sandbox) remove(failed error) error {
	var errs []error
	if s.sunk != nil {
		s.unsink()
		errs = append(errs, <-s.sunk)
	}
	for _, ln := range []net.Listener{s.starttls, s.implicit, s.hop} {
		if ln != nil {
			_ = ln.Close() // usually closed already
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

// trust is a client's configuration that trusts only the sandbox's certificate.
func (s *sandbox) trust() (*tls.Config, error) {
	pool, err := poolOf(s.certificateFile())
	return &tls.Config{RootCAs: pool, ServerName: "localhost"}, err
}

func (s *sandbox) certificateFile() string { return s.dir.TLS("selfsigned.crt") }
