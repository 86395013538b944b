package spool

import (
	"sync"
	"time"

	"relay/store/bucket"
	"relay/store/room"
	"relay/store/spooled"
)

// ready collects the lanes that got a message due at once, for whoever delivers.
type ready struct {
	mu     sync.Mutex
	lanes  map[spooled.Lane]struct{}
	signal chan struct{} // capacity 1
}

// announce is called after the commit.
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

func (r *ready) tell() {
	select {
	case r.signal <- struct{}{}:
	default:
	}
}

// Ready receives when TakeReady has something.
func (s *Spool) Ready() <-chan struct{} { return s.ready.signal }

// TakeReady returns lanes that got a message due at once since they were taken last, so
// many at most. Ready receives again where there are more.
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

// VisitDue calls fn for the lanes whose head is due by now, the earliest first, from a
// place on (nil: the beginning) until fn returns false: then on is where to go on, with
// that lane. next is the due time of the first lane after now; zero: nothing else waits,
// or it did not come so far.
func (s *Spool) VisitDue(from []byte, now time.Time, fn func(spooled.Lane) bool) (on []byte, next time.Time, err error) {
	err = s.view(func(t *Tx) error {
		c := t.Cursor(bucket.Due)
		for k, _ := c.Seek(from); k != nil; k, _ = c.Next() {
			if at := room.ParseTime(k); at.After(now) {
				next = at
				return nil
			}
			if l, _, ok := spooled.ParseLane(k[8:]); ok && !fn(l) {
				on = append([]byte{}, k...)
				return nil
			}
		}
		return nil
	})
	return on, next, err
}
