package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

// parts are what runs for as long as the relay does. One goroutine each.
type parts struct {
	list  []*part
	ended chan error // a part that ended unasked; room for all
}

type part struct {
	name string
	stop context.CancelFunc
	done chan struct{}
	err  error // once done is closed
}

func newParts() *parts { return &parts{ended: make(chan error, 16)} }

// start runs fn until the part is stopped. Parts are stopped by stop, not by ctx.
func (ps *parts) start(ctx context.Context, name string, fn func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p := &part{name: name, stop: cancel, done: make(chan struct{})}
	ps.list = append(ps.list, p)
	go func() {
		defer close(p.done)
		if p.err = fn(ctx); p.err != nil {
			p.err = fmt.Errorf("%s: %w", name, p.err)
		}
		if ctx.Err() == nil {
			ps.ended <- cmp.Or(p.err, fmt.Errorf("%s ended", name))
			p.err = nil // told
		}
	}()
}

// stop tells all parts to end, the last one started first, and returns what
// went wrong in them when all have.
func (ps *parts) stop() error {
	for _, p := range slices.Backward(ps.list) {
		p.stop()
	}
	var errs []error
	for _, p := range slices.Backward(ps.list) {
		<-p.done
		errs = append(errs, p.err)
	}
	return errors.Join(errs...)
}
