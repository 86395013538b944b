package cli

import (
	"context"
	"os"

	cli "github.com/urfave/cli/v2"

	"relay/cli/serve"
	"relay/cli/shell"
	"relay/store"
)

func (p *program) serveCommand() *cli.Command {
	return shell.Command(&cli.Command{
		Name: "serve", Usage: "run the relay",
		Description: `Without a configuration it listens on ports 587, 465 (both skipped when they cannot be bound) and 2525, with a self-signed certificate, and keeps everything in the data directory.

The log goes to standard error. SIGTERM and SIGINT drain: idle clients are asked to come back, messages being received or delivered may finish, then relay stops. A second signal ends it at once; nothing that was accepted is lost.`,
	}, func(ctx context.Context, _ []string) error { return p.serve(ctx) })
}

func (p *program) serve(ctx context.Context) error {
	if p.Outlive != nil {
		p.Outlive()
	}
	signals, stopSignals := p.Signals()
	defer stopSignals()
	hangups, stopHangups := p.hangups()
	defer stopHangups()
	m := p.machine()
	m.Sockets, m.Supervisor = p.Sockets, p.supervisor()
	cfg, dir, err := p.where.Home()
	if err != nil {
		return err
	}
	r, err := serve.New(m, cfg, dir)
	if err != nil {
		return err
	}
	r.Hangups, r.Reread = hangups, p.where.Load
	return r.Run(ctx, signals, func(*store.Store) {})
}

// hangups are the signals that ask for a reload.
func (p *program) hangups() (<-chan os.Signal, func()) {
	if p.Reloads == nil {
		return nil, func() {}
	}
	return p.Reloads()
}

func (p *program) supervisor() serve.Supervisor {
	if p.App.Supervisor == nil {
		return serve.Supervisor{}
	}
	return p.App.Supervisor()
}

func (p *program) machine() serve.Machine {
	return serve.Machine{Stderr: p.Stderr, Getenv: p.where.Env, Listen: p.Listen, Wall: p.Wall, Kept: p.Kept}
}
