package cli

import (
	"context"
	"errors"
	"log/slog"

	cli "github.com/urfave/cli/v2"

	"relay/cli/clock"
	"relay/cli/config"
	"relay/cli/exit"
	"relay/cli/place"
	"relay/cli/proof"
	"relay/cli/shell"
	"relay/mailer"
	"relay/store"
)

// here completes a command that runs in the process that was started: it touches files,
// or it is the relay.
func (p *program) here(c *cli.Command, run func(ctx context.Context, args []string) error) *cli.Command {
	return p.onlyHere(shell.Command(c, run))
}

// notSent is the error of a command that runs only in the process that was started.
func notSent(c *cli.Command) error {
	return exit.Usage("", "%q cannot be sent to a running relay", c.Name)
}

// onlyHere refuses the command in a running relay that it was sent to: it touches files of
// the caller, or takes long.
func (p *program) onlyHere(c *cli.Command) *cli.Command {
	if p.inner != nil {
		c.Action = func(*cli.Context) error { return notSent(c) }
	}
	return c
}

// open opens the store for a command, and makes a new one where there is none.
func (p *program) open(cfg *config.Config, dir place.Dir) (*store.Store, error) {
	if err := dir.Make(); err != nil {
		return nil, err
	}
	fresh := dir.IsNew()
	log := slog.New(slog.NewTextHandler(p.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	st, err := proof.OpenStore(dir.Store(), clock.Guard(cfg, p.Wall, p.Kept, store.Options{Zone: cfg.Zone(), Log: log, Billing: cfg.Billing.Store(), HighWater: dir.Numbers()}))
	if err != nil {
		return nil, err
	}
	mailer.WordDSNs(st, mailer.Config{Hostname: cfg.Host(), NoticeExpire: cfg.Delivery.NoticeExpire.Duration,
		NoticesPerHour: cfg.Delivery.NoticesPerHour}) // of mail that the command drops
	if fresh {
		p.note("new store %s", dir.Store())
		if err := dir.Adopt(dir.Store()); err != nil {
			return nil, errors.Join(err, st.Close())
		}
	}
	return st, nil
}
