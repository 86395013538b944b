package spool

import (
	"sync"

	"relay/store/spooled"
)

// ready collects the lanes that got mail due at once, for the mailer.
type ready struct {
	mu     sync.Mutex
	lanes  map[spooled.Lane]struct{}
	signal chan struct{} // capacity 1
}

// announce adds lanes, after the commit.
func (r *ready) announce(lanes ...spooled.Lane) {
	if len(lanes) == 0 {
		return
	}
	r.mu.Lock()
	if r.lanes == nil {
		r.lanes = map[spooled.Lane]struct{}{}
	}
	for _, l := range lanes {
		r.lanes[l] = struct{}{}
	}
	r.mu.Unlock()
	r.tell()
}

// tell has Ready receive.
func (r *ready) tell() {
	select {
	case r.signal <- struct{}{}:
	default:
	}
}

// Ready receives when TakeReady has something.
func (s *Spool) Ready() <-chan struct{} { return s.ready.signal }

// TakeReady returns lanes that got mail due at once since they were last taken, at most that many.
// If there are more, Ready receives again.
func (s *Spool) TakeReady(most int) []spooled.Lane {
	r := &s.ready
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]spooled.Lane, 0, min(len(r.lanes), most))
	for l := range r.lanes {
		if len(list) == most {
			r.tell()
			return list
		}
		list = append(list, l)
		delete(r.lanes, l)
	}
	r.lanes = nil // it may have been large
	return list
}
