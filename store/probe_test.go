package store

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"relay/store/engine"
)

func TestStore_Probe(t *testing.T) {
	s, _ := newStore(t)
	before, _ := s.Commits()
	if err := s.Probe(t.Context()); err != nil {
		t.Errorf("Probe: %v", err)
	}
	if after, _ := s.Commits(); after != before {
		t.Errorf("%d transactions were written, want none", after-before)
	}
}

// A writer that hangs, as in a sync of a disk that does not answer.
func TestStore_Probe_theWriterHangs(t *testing.T) {
	s, _ := newStore(t)
	hangs, release := make(chan struct{}), make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		_ = s.db.Engine().Update(engine.Write{Do: func(*engine.Tx) error { close(hangs); <-release; return nil }})
	})
	<-hangs
	for range 2000 { // more than the writer's queue holds
		ctx, cancel := context.WithTimeout(t.Context(), time.Microsecond)
		err := s.Probe(ctx)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "the store does not answer") {
			t.Fatalf("Probe = %v, want that the store does not answer", err)
		}
	}
	close(release)
	writer.Wait()
	if err := s.Probe(t.Context()); err != nil {
		t.Errorf("Probe when the writer goes on: %v", err)
	}
}

func TestStore_Probe_closed(t *testing.T) {
	s := reopen(t, filepath.Join(t.TempDir(), "relay.db"), &clock{t: epoch})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Probe(t.Context()); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("Probe = %v, want %v", err, engine.ErrClosed)
	}
}

// Mail could be stored: something is written. Below the reserve it could not, while
// the writer works.
func TestStore_Storable(t *testing.T) {
	room := int64(1 << 40)
	s := custom(t, Options{Free: func() int64 { return room }})
	before, _ := s.Commits()
	if err := s.Storable(t.Context()); err != nil {
		t.Errorf("Storable: %v", err)
	}
	if after, _ := s.Commits(); after != before+1 {
		t.Errorf("%d transactions were written, want one", after-before)
	}
	room = 0
	if err := s.Storable(t.Context()); !errors.Is(err, ErrFull) {
		t.Errorf("below the reserve: %v", err)
	}
	if err := s.Probe(t.Context()); err != nil {
		t.Errorf("Probe below the reserve: %v", err)
	}
}
