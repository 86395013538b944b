package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/config"
	"relay/cli/control"
	"relay/cli/exit"
	"relay/cli/place"
	"relay/cli/proof"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/mailer"
	"relay/report/api/act"
	"relay/store"
)

// lockedFor is how long a command waits for a store that somebody else has: a
// relay that starts has the store a moment before it answers, another command
// is soon done.
const lockedFor = 5 * time.Second

// call is a command at work on the open store, whoever opened it.
type call struct {
	*program
	ctx  context.Context
	st   *store.Store
	args []string
	cfg  *config.Config // in force for whoever runs it
}

// output is where the call writes.
func (c *call) output() term.Output { return term.Output{W: c.Stdout, JSON: c.json, Note: c.note} }

func (c *call) stream(limit int64, columns ...term.Column) *term.Stream {
	return term.NewStream(c.ctx, c.output(), limit, columns...)
}

// work is what a command does with the store. It is the same code in the
// process that was started and in a running relay that the command was sent to.
type work struct {
	run   func(*call) error
	stdin func(args []string) bool // whether it reads standard input; nil: it does not
}

// admitted runs it for whoever may.
func (w work) admitted(c *call, cc *cli.Context) error {
	if err := c.admit(cc); err != nil {
		return err
	}
	err := w.run(c)
	if c.scope != nil {
		err = advised(err)
	}
	return err
}

// onStore completes a command that works on the store.
func (p *program) onStore(c *cli.Command, w work) *cli.Command {
	c.HideHelp = true
	c.Action = func(cc *cli.Context) error {
		args := cc.Args().Slice()
		if p.inner != nil {
			return w.admitted(&call{p, cc.Context, p.inner.store, args, p.inner.config()}, cc)
		}
		if base := p.away(); base != "" || p.named.Given["api"] {
			return p.sendAway(cc.Context, base, w, args)
		}
		return p.send(cc, w, args)
	}
	return c
}

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

// send has the command run by the relay that has the store, or opens the store
// and runs it here.
func (p *program) send(cc *cli.Context, w work, args []string) error {
	ctx := cc.Context
	cfg, dir, err := p.where.Home()
	if err != nil {
		return err
	}
	token, err := p.bearer()
	if err != nil {
		return err
	}
	var stdin io.Reader
	if w.stdin != nil && w.stdin(args) {
		stdin = p.Stdin
	}
	client := control.NewClient(dir.Socket())
	client.Token = token
	defer client.Close()
	remote := func() error {
		code, err := client.Run(ctx, p.request(), stdin, p.Stdout, p.Stderr)
		if err == nil && code != exit.Done {
			err = exit.Code(code)
		}
		return err
	}
	local := func(st *store.Store) error { return w.admitted(&call{p, ctx, st, args, &cfg}, cc) }
	return p.eitherWay(ctx, &cfg, dir, remote, local)
}

// eitherWay does remote when a relay has the store, else local with the store
// open. While somebody has the store and does not answer it tries again, for a
// few seconds.
func (p *program) eitherWay(ctx context.Context, cfg *config.Config, dir place.Dir, remote func() error, local func(*store.Store) error) error {
	deadline := time.Now().Add(lockedFor)
	for {
		err := remote()
		if !errors.Is(err, control.ErrAbsent) {
			return err
		}
		st, err := p.open(cfg, dir)
		if err == nil {
			return proof.Use(dir.Store(), st, local)
		}
		if !errors.Is(err, store.ErrLocked) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// open opens the store for a command, and makes a new one where there is none.
func (p *program) open(cfg *config.Config, dir place.Dir) (*store.Store, error) {
	if err := dir.Make(); err != nil {
		return nil, err
	}
	fresh := dir.IsNew()
	log := slog.New(slog.NewTextHandler(p.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	st, err := proof.OpenStore(dir.Store(), guarded(cfg, p.Wall, p.Kept, store.Options{Zone: cfg.Zone(), Log: log, Billing: cfg.Billing.Store(), HighWater: dir.Numbers()}))
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

// acts is the service on the store that the command works on.
func (c *call) acts() *act.Service {
	cfg := c.cfg
	if cfg == nil {
		cfg = &config.Config{}
	}
	return serviceOn(c.st, func() *config.Config { return cfg }, slog.New(slog.DiscardHandler))
}

// now is the clock of the books, by which accounts are judged.
func (c *call) now() time.Time { return c.st.BookTime() }

// wall is the wall clock, by which the queue goes.
func (c *call) wall() time.Time { return c.st.Now() }

// say writes a line of the result for people.
func (c *call) say(format string, args ...any) error {
	_, err := fmt.Fprintf(c.Stdout, format+"\n", args...)
	return err
}

// done is the result of a command that has nothing to show: what it did, or
// what there is now, for programs.
func (c *call) done(v any, format string, args ...any) error {
	if c.json {
		return term.Encode(c.Stdout, v)
	}
	return c.say(format, args...)
}
