package cli

import (
	"context"
	"time"

	"relay/cli/serve"
	"relay/cli/term"
)

// whileRunning is the call's context, which also ends when the relay begins to stop. From
// then on a client that has stopped reading is not waited for.
func (c *call) whileRunning() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(c.ctx)
	go func() {
		select {
		case <-c.inner.Stopping:
			cancel(serve.ErrStopping)
			if out, ok := c.Stdout.(interface{ Limit(time.Time) }); ok {
				out.Limit(time.Now().Add(time.Second))
			}
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// flush sends the output so far to the client, unless err says that writing it failed.
func (c *call) flush(err error) error {
	if o := (term.Output{W: c.Stdout}); err == nil {
		o.Flush()
	}
	return err
}
