package store

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"relay/store/bucket"
	"relay/store/engine"
)

// probe is a look at whether the store still works, for all who ask at the
// moment: one that hangs must not gather others behind it.
type probe struct {
	mu      sync.Mutex
	current *probing // nil: none is under way
}

type probing struct {
	done chan struct{}
	err  error // once done is closed
}

// Storable stores something small as a message would be, and fails when it could not:
// with ErrFull when the disk has no room for mail. It waits no longer than ctx.
func (s *Store) Storable(ctx context.Context) error {
	return wait(ctx, s.storable.join(func() error {
		return s.grow(0, func(t *tx) error { return t.Write(bucket.Meta, keyStorable, t.Wall) })
	}))
}

// Probe goes once through the writer and its group commit, without writing, and
// reads a record. It fails when the store has failed, and with the context's
// cause when it ends before there is an answer: something holds the writer up,
// such as a disk that does not answer.
func (s *Store) Probe(ctx context.Context) error {
	return wait(ctx, s.probe.join(s.roundTrip))
}

func wait(ctx context.Context, p *probing) error {
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return fmt.Errorf("the store does not answer: %w", context.Cause(ctx))
	}
}

// join is the probing under way, or a new one.
func (p *probe) join(fn func() error) *probing {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current != nil {
		return p.current
	}
	now := &probing{done: make(chan struct{})}
	p.current = now
	go func() {
		now.err = fn()
		p.mu.Lock()
		p.current = nil
		p.mu.Unlock()
		close(now.done)
	}()
	return now
}

func (s *Store) roundTrip() error {
	err := s.db.Engine().Update(engine.Write{Do: func(*engine.Tx) error { return nil }})
	if errors.Is(err, ErrFull) { // said to others in the same commit: the writer works
		err = nil
	}
	_, readErr := s.Spool.Totals()
	return errors.Join(err, readErr)
}
