package shell

import (
	"context"
	"os"
)

// UntilSignal returns a context that the first signal ends, so that a command can remove
// its unfinished files. The second signal ends the program. signals are the program's; nil:
// none.
func UntilSignal(ctx context.Context, signals func() (c <-chan os.Signal, stop func())) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if signals == nil {
		return ctx, cancel
	}
	c, stop := signals()
	go func() {
		select {
		case <-c:
			stop()
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(); stop() }
}
