package cli

import (
	"context"
	"time"

	"relay/cli/term"
)

// whileRunning is the call's context, which also ends when the relay begins to.
// Then one who has stopped reading is not waited for.
func (c *call) whileRunning() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(c.ctx)
	go func() {
		select {
		case <-c.inner.stopping:
			cancel(errStopping)
			if out, ok := c.Stdout.(interface{ Limit(time.Time) }); ok {
				out.Limit(time.Now().Add(time.Second))
			}
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// flush sends what was written to whoever asked, unless err says that it could
// not be written.
func (c *call) flush(err error) error {
	if o := (term.Output{W: c.Stdout}); err == nil {
		o.Flush()
	}
	return err
}
