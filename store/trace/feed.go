package trace

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
	"relay/store/spooled"
)

// Live is an event as it happens.
type Live struct {
	Event
	Done bool // the message has left the queue, and this is the last thing said of it

	tx int64
}

// feed hands events to those who watch:
//
//  1. Tell collects them while a transaction runs, in the order in which they
//     come about. With nobody watching it is a look at one pointer;
//  2. publish runs in the writer when that transaction is on disk, and before the
//     next one begins: what a rolled-back try collected is gone with it;
//  3. each watch has a buffer. One that is full counts what it missed: the writer
//     waits for nobody.
type feed struct {
	mu   sync.Mutex
	list atomic.Pointer[[]*Watch] // nil: nobody watches; never changed in place
}

// eventBatch has the events of a transaction.
type eventBatch struct {
	events []item
	gone   []spooled.ID // messages that were removed
}

type item struct {
	live *Live
	to   []*Watch
}

// Watched reports whether telling is worth the while.
func (s *Trace) Watched() bool { return s.feed.list.Load() != nil }

// Tell is called for each event, after the change that it tells of. m is nil
// when the message is gone.
func (s *Trace) Tell(t *room.Tx, e *Event, m *spooled.Message) {
	list := s.feed.list.Load()
	if list == nil {
		return
	}
	var to []*Watch
	for _, w := range *list {
		if w.match == nil || w.match(e, m) {
			to = append(to, w)
		}
	}
	if len(to) == 0 {
		return
	}
	live := &Live{Event: *e, tx: t.ID()}
	live.Recipients = slices.Clone(e.Recipients)
	n := batchOf(t)
	n.events = append(n.events, item{live, to})
}

// TellGone notes that the message has left the queue.
func (s *Trace) TellGone(t *room.Tx, id spooled.ID) {
	if s.Watched() {
		n := batchOf(t)
		n.gone = append(n.gone, id)
	}
}

var batchKey engine.Key[eventBatch]

// batchOf has the events of this transaction, to be published when it is on disk.
func batchOf(t *room.Tx) *eventBatch {
	n := batchKey.In(t.Tx)
	if len(n.events)+len(n.gone) == 0 { // each call adds one
		t.OnCommit(n.publish)
	}
	return n
}

func (n *eventBatch) publish() {
	last := make(map[spooled.ID]*Live, len(n.events))
	for _, it := range n.events {
		last[it.live.ID] = it.live
	}
	for _, id := range n.gone {
		if l := last[id]; l != nil {
			l.Done = true
		}
	}
	for _, it := range n.events {
		for _, w := range it.to {
			w.push(it.live)
		}
	}
}

// What a watch keeps for its reader: so many events, and in them so many
// recipients, but one event at least.
const (
	WatchBuffer     = 4096
	watchRecipients = 64 << 10
)

// Watch is a look at events as they happen. One goroutine reads it.
type Watch struct {
	s     *Trace
	match func(*Event, *spooled.Message) bool
	ready chan struct{} // capacity 1: there is something to take

	mu         sync.Mutex
	list       []*Live
	recipients int // in list
	missed     int // after list
}

// Watch begins to collect the events that match chooses; nil chooses all. It sees
// those of every transaction that begins later, each once, in the order in which
// they came to be on disk. match runs in the store's writer: it must be quick, and
// keep nothing of what it is shown. Its message is nil when that is gone.
func (s *Trace) Watch(match func(*Event, *spooled.Message) bool) *Watch {
	w := &Watch{s: s, match: match, ready: make(chan struct{}, 1)}
	f := &s.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []*Watch
	if old := f.list.Load(); old != nil {
		all = slices.Clone(*old)
	}
	all = append(all, w)
	f.list.Store(&all)
	return w
}

// Close ends the watch.
func (w *Watch) Close() {
	f := &w.s.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.list.Load()
	if old == nil {
		return
	}
	all := slices.DeleteFunc(slices.Clone(*old), func(o *Watch) bool { return o == w })
	if len(all) == 0 {
		f.list.Store(nil)
		return
	}
	f.list.Store(&all)
}

func (w *Watch) push(l *Live) {
	w.mu.Lock()
	n := w.recipients + len(l.Recipients)
	if w.missed == 0 && (len(w.list) == 0 || len(w.list) < WatchBuffer && n <= watchRecipients) {
		w.list, w.recipients = append(w.list, l), n
	} else {
		w.missed++
	}
	w.mu.Unlock()
	select {
	case w.ready <- struct{}{}:
	default:
	}
}

// Take waits until there is something, and returns all of it: events, and how
// many came after them that the buffer had no room for. It fails when ctx is done
// or the store is closed.
func (w *Watch) Take(ctx context.Context) (list []*Live, missed int, err error) {
	for {
		w.mu.Lock()
		list, missed = w.list, w.missed
		w.list, w.recipients, w.missed = nil, 0, 0
		w.mu.Unlock()
		if len(list) > 0 || missed > 0 {
			return list, missed, nil
		}
		select {
		case <-w.ready:
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-w.s.db.Stopping():
			return nil, 0, engine.ErrClosed
		}
	}
}

// Follow returns the events of a message so far, as Of does, and a watch that begins
// exactly where they end. queued says whether there will be more.
func (s *Trace) Follow(id spooled.ID) (past []Event, queued bool, w *Watch, err error) {
	w = s.Watch(func(e *Event, _ *spooled.Message) bool { return e.ID == id })
	seen := int64(0) // the last transaction that past has
	// What began before the watch is on disk when the first pass returns; what
	// past has is published when the second one does.
	err = s.db.Pass()
	if err == nil {
		err = s.db.View(func(t room.Tx) (err error) {
			seen = t.ID()
			queued = t.Get(bucket.Messages, id[:]) != nil
			past, err = life(&t, id)
			return err
		})
	}
	if err == nil {
		err = s.db.Pass()
	}
	if err != nil {
		w.Close()
		return nil, false, nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = slices.DeleteFunc(w.list, func(l *Live) bool { return l.tx <= seen })
	return past, queued, w, nil
}
