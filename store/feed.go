package store

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"relay/store/bolt"
)

// Live is an event as it happens.
type Live struct {
	Event
	Done bool // the message has left the queue, and this is the last thing said of it

	tx int
}

// feed hands events to those who watch:
//
//  1. tell collects them while a transaction runs, in the order in which they
//     come about. With nobody watching it is a look at one pointer;
//  2. publish runs in the writer when that transaction is on disk, and before the
//     next one begins: what a rolled-back try collected is gone with it;
//  3. each watch has a buffer. One that is full counts what it missed: the writer
//     waits for nobody.
type feed struct {
	mu   sync.Mutex
	list atomic.Pointer[[]*Watch] // nil: nobody watches; never changed in place
}

// news are the events of a transaction.
type news struct {
	events []item
	gone   []ID // messages that were removed
}

type item struct {
	live *Live
	to   []*Watch
}

// watched reports whether telling is worth the while.
func (t *tx) watched() bool { return t.s.feed.list.Load() != nil }

// tell is called for each event, after the change that it tells of. m is nil
// when the message is gone.
func (t *tx) tell(e *Event, m *Message) {
	list := t.s.feed.list.Load()
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
	live := &Live{Event: *e, tx: t.b.ID()}
	live.Recipients = slices.Clone(e.Recipients)
	n := t.news()
	n.events = append(n.events, item{live, to})
}

// tellGone notes that the message has left the queue.
func (t *tx) tellGone(id ID) {
	if t.watched() {
		n := t.news()
		n.gone = append(n.gone, id)
	}
}

// news of this transaction, to be published when it is on disk.
func (t *tx) news() *news {
	sc := t.scratch()
	if sc.news == nil {
		n := &news{}
		sc.news = n
		t.b.OnCommit(n.publish)
	}
	return sc.news
}

func (n *news) publish() {
	last := make(map[ID]*Live, len(n.events))
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
	watchBuffer     = 4096
	watchRecipients = 64 << 10
)

// Watch is a look at events as they happen. One goroutine reads it.
type Watch struct {
	s     *Store
	match func(*Event, *Message) bool
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
func (s *Store) Watch(match func(*Event, *Message) bool) *Watch {
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
	if w.missed == 0 && (len(w.list) == 0 || len(w.list) < watchBuffer && n <= watchRecipients) {
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
		case <-w.s.closed:
			return nil, 0, bolt.ErrClosed
		}
	}
}

// Follow is the life of a message so far, as Trace has it, and a watch that
// begins exactly where that ends. queued says whether there will be more.
func (s *Store) Follow(id ID) (past []Event, queued bool, w *Watch, err error) {
	w = s.Watch(func(e *Event, _ *Message) bool { return e.ID == id })
	seen := 0 // the last transaction that past has
	// What began before the watch is on disk when the first pass returns; what
	// past has is published when the second one does.
	err = s.pass()
	if err == nil {
		err = s.view(func(t *tx) (err error) {
			seen = t.b.ID()
			queued = t.b.Get(messages, id[:]) != nil
			past, err = t.life(id)
			return err
		})
	}
	if err == nil {
		err = s.pass()
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

// pass returns when all transactions that had begun are on disk and published.
func (s *Store) pass() error { return s.db.Update(0, func(*bolt.Tx) error { return nil }) }
