package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// parts are the relay's long-running goroutines, one for each part.
type parts struct {
	ended chan error // the error of a part that ended by itself; room for all

	mu   sync.Mutex
	list []*part // in the order of starting
	over bool    // they are being stopped
}

type part struct {
	name string
	run  func(context.Context) error
	stop context.CancelFunc
	done chan struct{}
	err  error // once done is closed
}

func newParts() *parts { return &parts{ended: make(chan error, 16)} }

// start runs fn until the part is stopped. Parts are stopped by stop, not by ctx.
func (ps *parts) start(ctx context.Context, name string, fn func(context.Context) error) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := &part{name: name, run: fn}
	ps.list = append(ps.list, p)
	ps.launch(ctx, p)
}

func (ps *parts) launch(ctx context.Context, p *part) {
	ctx, p.stop = context.WithCancel(context.WithoutCancel(ctx))
	p.done = make(chan struct{})
	go func() {
		defer close(p.done)
		if p.err = p.run(ctx); p.err != nil {
			p.err = fmt.Errorf("%s: %w", p.name, p.err)
		}
		if ctx.Err() == nil {
			ps.ended <- cmp.Or(p.err, fmt.Errorf("%s ended", p.name))
			p.err = nil // it is reported once
		}
	}()
}

// again stops the part of that name and starts it anew, unless all are being
// stopped, or it has ended with an error. It is called once at a time.
func (ps *parts) again(ctx context.Context, name string) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	i := slices.IndexFunc(ps.list, func(p *part) bool { return p.name == name })
	if i < 0 || ps.over {
		return
	}
	p := ps.list[i]
	p.stop()
	ps.mu.Unlock() // it may take its time, and all may have to stop meanwhile
	<-p.done
	ps.mu.Lock()
	if p.err == nil && !ps.over {
		ps.launch(ctx, p)
	}
}

// stop ends all parts, the last one started first, waits for them and returns their
// errors.
func (ps *parts) stop() error {
	ps.mu.Lock()
	ps.over = true
	list := slices.Clone(ps.list)
	ps.mu.Unlock() // one of them may be about to start another again
	for _, p := range slices.Backward(list) {
		p.stop()
	}
	var errs []error
	for _, p := range slices.Backward(list) {
		<-p.done
		errs = append(errs, p.err)
	}
	return errors.Join(errs...)
}
