package serve

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"relay/cli/config"
	"relay/cli/control"
	"relay/cli/exit"
	"relay/cli/memlimit"
	"relay/cli/place"
	"relay/store"
)

// Run puts the parts together and runs them until a signal comes, one of them
// fails or the store does. Order of starting: store, mailer, news, jobs, smtp, control
// socket, API, reloads; they are stopped in reverse, under one deadline. ready is called once
// mail can come in.
func (r *Relay) Run(ctx context.Context, signals <-chan os.Signal, ready func(*store.Store)) error {
	r.logStarting()
	if !strings.Contains(r.hostname, ".") {
		r.logPlainName()
	}
	told, err := r.begin(signals)
	if told || err != nil {
		return err
	}
	r.host.tuneMemory()
	r.startParts(ctx)
	watching := r.startWatch(ctx)
	defer watching.stop()
	r.logReady(time.Since(r.started))
	r.notify.ready()
	ready(r.store)
	why, err := r.wait(ctx, signals)
	return errors.Join(err, r.drain(r.parts, why, signals))
}

// startParts starts what runs for as long as the relay does.
func (r *Relay) startParts(ctx context.Context) {
	all := newParts()
	r.parts = all
	all.start(ctx, "mailer", r.mail.Run)
	all.start(ctx, "news", r.jobs().RunNews)
	all.start(ctx, "jobs", r.runJobs)
	all.start(ctx, "smtp", func(ctx context.Context) error { return r.smtp.Run(ctx, r.listeners) })
	if r.returns != nil {
		all.start(ctx, "back-mail", func(ctx context.Context) error { return r.returns.Run(ctx, r.back) })
	}
	server := &control.Server{Holder: r.acts.Holder, Service: r.service, Log: r.Log,
		Drain: func() time.Duration { return r.config().Drain.Duration }}
	all.start(ctx, "control", func(ctx context.Context) error { return server.Run(ctx, r.control) })
	if r.api != nil {
		all.start(ctx, "api", func(ctx context.Context) error { return r.runAPI(ctx, server) })
	}
	if r.metrics != nil {
		all.start(ctx, "metrics", r.runMetrics)
	}
	if r.keeper != nil {
		all.start(ctx, "certificate", r.keeper.Run)
	}
	all.start(ctx, "reloads", r.runReloads)
}

// wait returns when the relay has to stop, with the reason for the log.
func (r *Relay) wait(ctx context.Context, signals <-chan os.Signal) (why string, err error) {
	select {
	case s := <-signals:
		why = s.String()
	case <-ctx.Done():
		why = "told to"
	case err = <-r.parts.ended:
		why = err.Error()
	case <-r.store.Failed():
		r.logStoreFailed(r.store.Err())
		err = exit.Fail(exit.Failed, "start the relay again when the disk is in order", "the store failed: %w", r.store.Err())
		why = "store failed"
	}
	return why, err
}

// begin assembles the relay. After a signal it waits for Grace at most, since the store
// of a relay that was killed may take minutes to open; told then says that the relay must
// not start. What is half open at that point is left as a kill leaves it.
func (r *Relay) begin(signals <-chan os.Signal) (told bool, err error) {
	start, done := time.Now(), make(chan error, 1)
	go func() { done <- r.assemble() }()
	select {
	case err := <-done:
		if err != nil {
			err = errors.Join(err, r.close())
		}
		return false, err
	case s := <-signals:
		r.logDraining(s.String())
		r.notify.stopping(Grace)
	}
	select {
	case err := <-done:
		if err = errors.Join(err, r.close()); err == nil {
			r.logStopped(time.Since(start))
		}
		return true, err
	case <-signals:
	case <-time.After(Grace):
	}
	r.logAtOnce()
	return true, exit.Code(exit.Failed)
}

// Grace is what the parts have to end, beyond the drain time that they grant to mail
// under way.
const Grace = 5 * time.Second

// drain stops the parts and then the store. It gives up at the deadline and at a second
// signal: the process must end then, and the store is as after a kill.
func (r *Relay) drain(all *parts, why string, signals <-chan os.Signal) error {
	start := time.Now()
	drain := r.config().Drain.Duration
	r.logDraining(why)
	r.notify.stopping(drain + Grace)
	close(r.Stopping)
	stopped := make(chan error, 1)
	go func() { stopped <- all.stop() }()
	deadline := time.NewTimer(drain + Grace)
	defer deadline.Stop()
	select {
	case err := <-stopped:
		err = errors.Join(err, r.close())
		if err == nil {
			r.logStopped(time.Since(start))
		}
		return err
	case <-signals:
		r.logAtOnce()
		return exit.Code(exit.Failed)
	case <-deadline.C:
		return exit.Fail(exit.Failed, "nothing acknowledged is lost; drain in the configuration gives more time", "not everything ended within %s; it was cut off", drain+Grace)
	}
}

// Machine is what a relay takes from the process it runs in.
type Machine struct {
	Stderr io.Writer
	Getenv func(string) string
	Listen func(network, address string) (net.Listener, error)
	Wall   func() time.Time // nil: the system's clock
	Kept   func() bool      // likewise

	Sockets    func() (map[string][]net.Listener, error) // what the service manager passed, by name; nil: nothing
	Supervisor Supervisor
}

// New returns a relay with that configuration on that data directory, by the system's
// clock.
func New(m Machine, cfg config.Config, dir place.Dir) (*Relay, error) {
	if err := dir.Make(); err != nil {
		return nil, err
	}
	logs := newLogSwitch(newLog(m.Stderr, &cfg).Handler())
	log := slog.New(logs)
	return &Relay{
		host: m, cfg: cfg, dir: dir, started: time.Now(), memory: m.memory(), notify: &notifier{Supervisor: m.Supervisor, log: log},
		logs: logs, Log: log, hostname: cfg.Host(), Stopping: make(chan struct{}),
	}, nil
}

// tuneMemory trades a little memory for half of the collector's work, where the
// operator did not choose: what lives is a few MB.
func (m Machine) tuneMemory() {
	if m.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
	debug.FreeOSMemory() // what the start needed and nothing else will
}

// memory returns how many octets the machine grants the relay, and has the collector keep
// below that. GOMEMLIMIT, where the operator set it, goes first. 0: no limit is known.
func (m Machine) memory() int64 {
	if m.Getenv("GOMEMLIMIT") == "" {
		return memlimit.Follow(os.DirFS("/"))
	}
	if n := debug.SetMemoryLimit(-1); n < math.MaxInt64 {
		return n
	}
	return 0
}
