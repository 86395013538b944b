package host

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
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/api/act"
	"relay/report/api/field"
	"relay/report/api/host"
	"relay/report/words"
)

// HealthLimit is how long a command waits for the answer, which takes as long as the
// slowest of the relay's probes: 5 seconds at most.
const HealthLimit = 10 * time.Second

// askAgain is the pause between two requests of --wait.
const askAgain = 200 * time.Millisecond

// HealthCommand is relay health.
func HealthCommand(e *shell.Env) *cli.Command {
	var wait *time.Duration
	return shell.Command(&cli.Command{
		Name: "health", Usage: "whether the running relay works",
		Description: `Asks the running relay to send a probe through its store and through its queue, and to store something small as a message would be, each within 5 seconds. Exit code 0 when all is well, 1 when a probe does not come back, no mail could be stored (the disk is full) or the store has failed, 69 when no relay answers.

With --wait it asks again until the relay is healthy or the time is over, and then shows the last answer: for scripts that start a relay.

Further lines say what needs somebody's attention while relay is healthy: a certificate that is not renewed, a source of mail that cannot be used, and, when all connections to next hops are in use or an account has used up its share of them, whose they are: mail waits then.

It is for monitoring and for a container's health check; relay check looks at more.`,
		Flags: []cli.Flag{shell.DurationFlag("wait", "`TIME` to wait for a healthy relay, such as 30s", &wait)},
	}, func(ctx context.Context, _ []string) error {
		h, err := healthWithin(ctx, e, field.Or0(wait))
		if err != nil {
			return err
		}
		return showHealth(e, h)
	})
}

// healthWithin asks until the relay is healthy or wait is over, and returns the last answer.
func healthWithin(ctx context.Context, e *shell.Env, wait time.Duration) (*act.Health, error) {
	for deadline := time.Now().Add(wait); ; {
		h, err := askHealth(ctx, e)
		if !time.Now().Before(deadline) || !mayGetWell(h, err) {
			return h, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(askAgain):
		}
	}
}

// mayGetWell reports whether the answer, or its absence, may be that of a relay that starts.
func mayGetWell(h *act.Health, err error) bool {
	if err == nil {
		return !h.Healthy
	}
	return exit.Of(err).Code == exit.Unreachable && !errors.Is(err, control.ErrDenied)
}

func askHealth(ctx context.Context, e *shell.Env) (*act.Health, error) {
	ctx, cancel := context.WithTimeout(ctx, HealthLimit)
	defer cancel()
	h, err := host.Health.Call(ctx, e.Running, &act.None{})
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, exit.Fail(exit.Unreachable, "see its log; a restart is safe at any time", "the relay does not answer within %s", HealthLimit)
	}
	return h, err
}

func showHealth(e *shell.Env, h *act.Health) error {
	if err := e.Done(h, "%s", healthText(h)); err != nil {
		return err
	}
	if !h.Healthy {
		return exit.Code(exit.Failed)
	}
	return nil
}

// healthText is one line, and further ones if connections to next hops are short.
func healthText(h *act.Health) string {
	queue := "queue empty"
	if h.Messages > 0 {
		queue = words.Plural(h.Messages, "message") + " in the queue"
	}
	text := fmt.Sprintf("OK: %s, up %s", queue, words.Span(time.Since(h.Started)))
	if !h.Healthy {
		text = "not OK: " + h.Unwell()
	}
	if h.Clock != nil {
		text += "; " + words.ClockStands(h.Clock.Stands, h.Clock.Wall, time.Local)
	}
	lines := []string{words.Clean(text)}
	if c := h.Certificate; c != nil && c.Worry(time.Now()) {
		lines = append(lines, term.Wrap(certificateLine(c), term.Columns)...)
	}
	for _, s := range h.Sources {
		lines = append(lines, term.Wrap(words.Clean(s)+".", term.Columns)...)
	}
	return strings.Join(append(lines, mail.BusyLines(h.Connections)...), "\n")
}

// certificateLine says why a certificate needs somebody's attention.
func certificateLine(c *act.Certificate) string {
	text := "The certificate ends " + words.Stamp(c.Ends, time.Local)
	if c.From == act.SelfSigned {
		text = "The certificate is self-signed: the authority has issued none yet"
	}
	if c.Problem != "" {
		text += "; the last try failed: " + strings.TrimRight(c.Problem, ".")
		if !c.Next.IsZero() {
			text += "; the next is " + words.Stamp(c.Next, time.Local)
		}
	}
	return words.Clean(text) + "."
}
