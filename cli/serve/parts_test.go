package serve

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

func TestParts_stopInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var order []string
		ps := newParts()
		for _, name := range []string{"first", "second"} {
			ps.start(t.Context(), name, func(ctx context.Context) error {
				<-ctx.Done()
				if name == "first" {
					synctest.Wait() // the other one has ended
				}
				mu.Lock()
				defer mu.Unlock()
				order = append(order, name)
				return nil
			})
		}
		if err := ps.stop(); err != nil {
			t.Error(err)
		}
		if want := []string{"second", "first"}; !slices.Equal(order, want) {
			t.Errorf("ended %v, want %v", order, want)
		}
	})
}

func TestParts_oneThatEndsUnasked(t *testing.T) {
	ps := newParts()
	broken := errors.New("broken")
	ps.start(t.Context(), "good", func(ctx context.Context) error { <-ctx.Done(); return nil })
	ps.start(t.Context(), "bad", func(context.Context) error { return broken })
	if err := <-ps.ended; !errors.Is(err, broken) {
		t.Errorf("ended: %v, want %v", err, broken)
	}
	if err := ps.stop(); err != nil { // told once
		t.Errorf("stop: %v", err)
	}
	ps.start(t.Context(), "silent", func(context.Context) error { return nil })
	if err := <-ps.ended; err == nil {
		t.Error("a part that ends without an error is not told")
	}
}

func TestParts_outliveTheContextTheyStartIn(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ps := newParts()
	ps.start(ctx, "part", func(ctx context.Context) error { return ctx.Err() })
	if err := <-ps.ended; err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v; a part is stopped by stop alone", err)
	}
}

func TestParts_again(t *testing.T) {
	ps := newParts()
	runs := make(chan int, 3)
	n := 0
	ps.start(t.Context(), "part", func(ctx context.Context) error {
		n++
		runs <- n
		<-ctx.Done()
		return nil
	})
	if got := <-runs; got != 1 {
		t.Fatalf("run %d", got)
	}
	ps.again(t.Context(), "part")
	if got := <-runs; got != 2 {
		t.Fatalf("run %d", got)
	}
	if err := ps.stop(); err != nil {
		t.Error(err)
	}
	ps.again(t.Context(), "part")
	if len(runs) != 0 || len(ps.ended) != 0 {
		t.Error("a part was started again after the end, or told as ended")
	}
}

// A part that takes its time to be started again, a copy that is being synced, holds
// nobody up who ends.
func TestParts_againHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ps, release, ended := newParts(), make(chan struct{}), false
		ps.start(t.Context(), "other", func(ctx context.Context) error { <-ctx.Done(); ended = true; return nil })
		runs := 0
		ps.start(t.Context(), "slow", func(ctx context.Context) error { runs++; <-ctx.Done(); <-release; return nil })
		synctest.Wait()
		go ps.again(context.Background(), "slow")
		synctest.Wait()
		stopped := make(chan error)
		go func() { stopped <- ps.stop() }()
		synctest.Wait()
		if !ended {
			t.Error("the other part was not told to end")
		}
		close(release)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if runs != 1 {
			t.Errorf("the slow one ran %d times, want once: all were being stopped", runs)
		}
	})
}
