package guard

import (
	"net/netip"
	"sync"
)

// mostWaiting is how many strangers may wait for argon2id at the same time; with two
// at a time the last of them waits for a second or two.
const mostWaiting = 100

// turns lets one connection of an address at a time hash a password, or wait for a place to
// hash it. Others of that address wait behind it, so that guesses from one place do not keep
// everybody else waiting.
type turns struct {
	mu      sync.Mutex
	waiting int // strangers, from all addresses
	of      map[netip.Prefix]*turn
}

type turn struct {
	users int           // connections that have it or wait for it
	taken chan struct{} // capacity 1
}

func newTurns() *turns { return &turns{of: make(map[netip.Prefix]*turn)} }

// enter waits for the turn; after true the caller has to leave. It reports false when
// too many wait already, or when from.stop is closed.
func (t *turns) enter(from asker) bool {
	one := t.join(from)
	switch {
	case one == nil:
		return false
	case !from.site.IsValid():
		return true
	}
	select {
	case one.taken <- struct{}{}:
		return true
	case <-from.stop:
		t.quit(from)
		return false
	}
}

// strangers is how many wait, or hash.
func (t *turns) strangers() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.waiting
}

func (t *turns) leave(from asker) {
	if from.site.IsValid() {
		t.mu.Lock()
		one := t.of[from.site]
		t.mu.Unlock()
		<-one.taken
	}
	t.quit(from)
}

// join counts one that waits; nil: too many wait already.
func (t *turns) join(from asker) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !from.known {
		if t.waiting >= mostWaiting {
			return nil
		}
		t.waiting++
	}
	one := t.of[from.site]
	if one == nil {
		one = &turn{taken: make(chan struct{}, 1)}
		t.of[from.site] = one
	}
	one.users++
	return one
}

func (t *turns) quit(from asker) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !from.known {
		t.waiting--
	}
	if one := t.of[from.site]; one.users == 1 {
		delete(t.of, from.site)
	} else {
		one.users--
	}
}
