package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/control"
)

func (p *program) serveCommand() *cli.Command {
	return p.here(&cli.Command{
		Name: "serve", Usage: "run the relay",
		Description: `Without a configuration it listens on ports 587, 465 (both skipped when they cannot be bound) and 2525, with a self-signed certificate, and keeps everything in the data directory.

The log goes to standard error. SIGTERM and SIGINT drain: idle clients are told to come back, a message that is being received or delivered may end, then relay stops. A second signal ends it at once; nothing that was accepted is lost.`,
	}, func(ctx context.Context, _ []string) error { return p.serve(ctx) })
}

func (p *program) serve(ctx context.Context) error {
	signals, stopSignals := p.Signals()
	defer stopSignals()
	r, err := p.newRelay()
	if err != nil {
		return err
	}
	return p.operate(ctx, r, signals, func() {})
}

// operate puts the parts together and runs them until a signal comes, one of them
// fails or the store does. Order of starting: store, mailer, jobs, smtp, control
// socket; they are stopped in reverse, under one deadline. ready is called once
// mail can come in.
func (p *program) operate(ctx context.Context, r *relay, signals <-chan os.Signal, ready func()) error {
	r.logStarting()
	if !strings.Contains(r.hostname, ".") {
		r.logPlainName()
	}
	err := r.assemble()
	if err != nil {
		return errors.Join(err, r.close())
	}
	p.tuneMemory()
	all := newParts()
	all.start(ctx, "mailer", r.mail.Run)
	all.start(ctx, "jobs", r.runJobs)
	all.start(ctx, "smtp", func(ctx context.Context) error { return r.smtp.Run(ctx, r.listeners) })
	server := &control.Server{Command: r.command, Backup: func(w io.Writer) (int64, error) { return copyStore(r.store, w) }, Health: r.health, Log: r.log, Drain: r.cfg.Drain.Duration}
	all.start(ctx, "control", func(ctx context.Context) error { return server.Run(ctx, r.control) })
	r.logReady(time.Since(r.started))
	ready()

	var why string
	select {
	case s := <-signals:
		why = s.String()
	case <-ctx.Done():
		why = "told to"
	case err = <-all.ended:
		why = err.Error()
	case <-r.store.Failed():
		r.logStoreFailed(r.store.Err())
		err = fail(exitFailed, "start the relay again when the disk is in order", "the store failed: %w", r.store.Err())
		why = "store failed"
	}
	return errors.Join(err, r.drain(all, why, signals))
}

// grace is what the parts have over the time that each grants to what is under
// way.
const grace = 5 * time.Second

// drain stops the parts and then the store. It does not wait for what takes
// longer than the deadline, nor after a second signal: then the process must
// end, and the store is as after a kill.
func (r *relay) drain(all *parts, why string, signals <-chan os.Signal) error {
	start := time.Now()
	r.logDraining(why)
	stopped := make(chan error, 1)
	go func() { stopped <- all.stop() }()
	deadline := time.NewTimer(r.cfg.Drain.Duration + grace)
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
		return exitCode(exitFailed)
	case <-deadline.C:
		return fail(exitFailed, "", "not everything ended within %s; it was cut off", r.cfg.Drain.Duration+grace)
	}
}

// newRelay reads the configuration and finds the places.
func (p *program) newRelay() (*relay, error) {
	cfg, dir, err := p.home()
	if err != nil {
		return nil, err
	}
	return p.relayOf(cfg, dir)
}

// relayOf is a relay with that configuration on that data directory, by the
// system's clock.
func (p *program) relayOf(cfg Config, dir place) (*relay, error) {
	if err := dir.make(); err != nil {
		return nil, err
	}
	return &relay{
		app: &p.App, cfg: cfg, dir: dir, started: time.Now(),
		log: newLog(p.Stderr, &cfg), hostname: hostname(&cfg), now: time.Now,
	}, nil
}

// hostname is the configured one, else the system's.
func hostname(c *Config) string {
	if c.Hostname != "" {
		return c.Hostname
	}
	name, err := os.Hostname()
	if err != nil || !hostRE.MatchString(name) {
		return "localhost"
	}
	return name
}

// tuneMemory trades a little memory for half of the collector's work, where the
// operator did not choose: what lives is a few MB.
func (p *program) tuneMemory() {
	if p.getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
	debug.FreeOSMemory() // what the start needed and nothing else will
}
