package cli

import (
	"context"
	"os"

	cli "github.com/urfave/cli/v2"

	"relay/cli/clock"
	"relay/cli/exit"
	"relay/cli/kernel"
	"relay/cli/sandbox"
	"relay/cli/serve"
	"relay/store"
)

func (p *program) sandboxCommand() *cli.Command {
	c := sandbox.Command(p.env, sandbox.Program{Name: p.Name, Listen: p.Listen, Advice: kernel.BindAdvice, Signals: p.Signals, Relay: p.sandboxRelay})
	c.Before = func(*cli.Context) error {
		if p.where.Config != "" || p.where.Data != "" {
			return exit.Usage("remove --config and --data", "a sandbox reads no configuration and has its own directory")
		}
		return nil
	}
	return c
}

// sandboxRelay returns a relay as serve runs it, without reloads: only the signals that
// end it reach it.
func (p *program) sandboxRelay(s sandbox.Setup) (*sandbox.Relay, error) {
	m := p.machine()
	m.Stderr, m.Listen = s.Log, s.Listen
	r, err := serve.New(m, s.Config, s.Dir)
	if err != nil {
		return nil, err
	}
	run := func(ctx context.Context, c clock.Clock, signals <-chan os.Signal, ready func(*store.Store)) error {
		r.Clock = c
		return r.Run(ctx, signals, ready)
	}
	return &sandbox.Relay{Log: r.Log, Stopping: r.Stopping, Run: run}, nil
}
