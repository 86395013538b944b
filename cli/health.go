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
	"relay/report/words"
)

// healthLimit is how long relay health waits for the relay's answer, which may
// take its probes' limit.
const healthLimit = 2 * probeLimit

// healthView is how the relay is, as programs see it.
type healthView struct {
	Healthy bool `json:"healthy"`
	control.Health
}

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
	return p.onRunning(func(client *control.Client) error {
		h, err := client.Health(ctx)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return exit.Fail(exit.Unreachable, "see its log; a restart is safe at any time", "the relay does not answer within %s", healthLimit)
		case err != nil:
			return err
		}
		return p.showHealth(&h)
	})
}

// onRunning does what has no sense without a running relay.
func (p *program) onRunning(ask func(*control.Client) error) error {
	dir, err := p.whereRunning()
	if err != nil {
		return err
	}
	client := control.NewClient(dir.Socket())
	defer client.Close()
	if err = ask(client); errors.Is(err, control.ErrAbsent) {
		return absent(dir)
	}
	return err
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

func (p *program) showHealth(h *control.Health) error {
	bad := unwell(h)
	if p.json {
		if err := term.Encode(p.Stdout, healthView{bad == "", *h}); err != nil {
			return err
		}
	} else if err := p.healthLine(h, bad); err != nil {
		return err
	}
	if bad != "" {
		return exit.Code(exit.Failed)
	}
	return nil
}

func (p *program) healthLine(h *control.Health, bad string) error {
	text := fmt.Sprintf("well: %s in the queue, up %s", words.Plural(h.Messages, "message"), words.Span(time.Since(h.Started)))
	if bad != "" {
		text = "not well: " + bad
	}
	if h.Clock != nil {
		text += "; " + holdText(h.Clock, time.Local)
	}
	_, err := fmt.Fprintln(p.Stdout, strings.Join(append([]string{term.Clean(text)}, mail.BusyLines(h.Connections)...), "\n"))
	return err
}

// unwell is what is wrong; "": nothing.
func unwell(h *control.Health) string {
	var bad []string
	if h.Problem != "" {
		bad = append(bad, h.Problem)
	}
	for _, one := range h.Probes {
		if one.Error != "" && one.Error != h.Problem {
			bad = append(bad, one.Error)
		}
	}
	return strings.Join(bad, "; ")
}
