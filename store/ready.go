package store

import (
	"sync"
	"time"
)

// ready collects the lanes that got a message due at once, for whoever delivers.
type ready struct {
	mu     sync.Mutex
	lanes  map[Lane]struct{}
	signal chan struct{} // capacity 1
}

// announce is called after the commit.
func (r *ready) announce(lanes ...Lane) {
	if len(lanes) == 0 {
		return
	}
	r.mu.Lock()
	if r.lanes == nil {
		r.lanes = map[Lane]struct{}{}
	}
	for _, l := range lanes {
		r.lanes[l] = struct{}{}
	}
	r.mu.Unlock()
	select {
	case r.signal <- struct{}{}:
	default:
	}
}

// Ready receives when TakeReady has something.
func (s *Store) Ready() <-chan struct{} { return s.ready.signal }

// TakeReady returns the lanes that got a message due at once since the last call.
func (s *Store) TakeReady() []Lane {
	r := &s.ready
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]Lane, 0, len(r.lanes))
	for l := range r.lanes {
		list = append(list, l)
	}
	clear(r.lanes)
	return list
}

// DueLanes returns lanes whose head is due by now, the earliest first, at most
// limit of them, without those that skip names. next is when there will be more: the
// due time of the first lane after now, now itself when the limit was reached,
// zero when nothing else waits. It reads as many keys as it returns and skips.
func (s *Store) DueLanes(now time.Time, limit int, skip func(Lane) bool) (list []Lane, next time.Time, err error) {
	err = s.view(func(t *tx) error {
		c := t.b.Cursor(due)
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			if at := parseTime(k); at.After(now) {
				next = at
				return nil
			}
			l, _, ok := parseLane(k[8:])
			if !ok || (skip != nil && skip(l)) {
				continue
			}
			if len(list) == limit {
				next = now
				return nil
			}
			list = append(list, l)
		}
		return nil
	})
	return list, next, err
}
