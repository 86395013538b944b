package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/control"
	"relay/cli/exit"
	"relay/cli/mail"
	"relay/cli/place"
	"relay/cli/term"
	"relay/report/api/act"
	"relay/report/api/host"
	"relay/report/words"
)

// healthLimit is how long relay health waits for the relay's answer, which may
// take its probes' limit.
const healthLimit = 2 * probeLimit

func (p *program) healthCommand() *cli.Command {
	return p.here(&cli.Command{
		Name: "health", Usage: "whether the running relay works, in one line",
		Description: `Asks the running relay to send a probe through its store and through its queue, and to store something small as a message would be, each within 5 seconds. Exit code 0 when all is well, 1 when a probe does not come back, no mail could be stored (the disk is full) or the store has failed, 69 when no relay answers.

When all connections to next hops are in use, or an account has used up its share of them, further lines say so, and whose they are: mail waits then, but relay is well.

It is for monitoring and for a container's health check; relay check looks at more.`,
	}, func(ctx context.Context, _ []string) error { return p.health(ctx) })
}

func (p *program) health(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, healthLimit)
	defer cancel()
	h, err := host.Health.Call(ctx, p.env.Running, &host.None{})
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return exit.Fail(exit.Unreachable, "see its log; a restart is safe at any time", "the relay does not answer within %s", healthLimit)
	case err != nil:
		return err
	}
	return p.showHealth(h)
}

// whereRunning is the data directory of a relay that runs. A configuration that
// was broken since it started does not matter where the directory is named.
func (p *program) whereRunning() (place.Dir, error) {
	cfg, err := p.where.Load()
	if err != nil && p.where.Data == "" && p.getenv("RELAY_DATA") == "" {
		return "", err
	}
	return p.where.Dir(&cfg)
}

// absent is the error of a command that needs a running relay.
func absent(dir place.Dir) error {
	return exit.Fail(exit.Unreachable, "start it: relay serve; or name its data directory with --data DIR", "%w in %s", control.ErrAbsent, dir)
}

func (p *program) showHealth(h *act.Health) error {
	if p.json {
		if err := term.Encode(p.Stdout, h); err != nil {
			return err
		}
	} else if err := p.healthLine(h); err != nil {
		return err
	}
	if !h.Healthy {
		return exit.Code(exit.Failed)
	}
	return nil
}

func (p *program) healthLine(h *act.Health) error {
	text := fmt.Sprintf("well: %s in the queue, up %s", words.Plural(h.Messages, "message"), words.Span(time.Since(h.Started)))
	if !h.Healthy {
		text = "not well: " + h.Unwell()
	}
	if h.Clock != nil {
		text += "; " + words.ClockStands(h.Clock.Stands, h.Clock.Wall, time.Local)
	}
	_, err := fmt.Fprintln(p.Stdout, strings.Join(append([]string{term.Clean(text)}, mail.BusyLines(h.Connections)...), "\n"))
	return err
}
