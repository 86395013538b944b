package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"relay/quota"
	"relay/store/bolt"
)

// take returns n events of a watch that must miss nothing.
func take(t testing.TB, w *Watch, n int) (list []*Live) {
	t.Helper()
	for len(list) < n {
		more, missed, err := w.Take(t.Context())
		if missed > 0 || err != nil {
			t.Fatalf("Take: %d missed, %v", missed, err)
		}
		list = append(list, more...)
	}
	return list
}

func kinds(list []*Live) (all []string) {
	for _, l := range list {
		k := string(l.Kind)
		if l.Done {
			k += ", done"
		}
		all = append(all, k)
	}
	return all
}

func TestStore_Watch(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	w := s.Watch(nil)
	defer w.Close()
	m := accept(t, s, "acme", 100, "x@a.test", "y@b.test")
	settle(t, s, claim(t, s, "a.test", "acme", 1)[0], Deferred)
	if _, _, err := s.Change(OpRetry, []ID{m.ID}); err != nil {
		t.Fatal(err)
	}
	s.SetDSNs(plainDSNs(s, 0, "dsn\r\n"))
	err := s.Settle(Result{ID: m.ID, Domain: "b.test", Event: Event{Kind: EventAttempt},
		Outcomes: []Outcome{{Rcpt: 1, State: Failed, Reply: "550 no", DSN: &DSN{Action: "failed"}}}})
	if err != nil {
		t.Fatal(err)
	}
	settle(t, s, claim(t, s, "a.test", "acme", 1)[0], Delivered)

	list := take(t, w, 7)
	want := []string{"accepted", "attempt", "changed", "attempt", "attempt", "accepted", "notice, done"}
	if got := kinds(list); !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
	if first := list[0]; first.ID != m.ID || first.Account != "acme" || first.Sender != "a@src.test" || len(first.Recipients) != 2 {
		t.Errorf("acceptance %+v", first)
	}
	stored, err := s.Trace(m.ID)
	if err != nil {
		t.Fatal(err)
	}
	var live []string
	for _, l := range list {
		if l.ID == m.ID {
			live = append(live, fmt.Sprint(l.Event))
		}
	}
	var told []string
	for _, e := range stored {
		told = append(told, fmt.Sprint(e))
	}
	if !slices.Equal(live, told) {
		t.Errorf("the feed told\n%q\nthe trace\n%q", live, told)
	}
}

func TestStore_Watch_choosesByEventAndMessage(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	w := s.Watch(func(e *Event, m *Message) bool { return e.Kind == EventAttempt && m != nil && m.Sender == "a@src.test" })
	defer w.Close()
	m := accept(t, s, "acme", 100, "x@a.test")
	c := claim(t, s, "a.test", "acme", 1)[0]
	settle(t, s, c, Delivered)
	settle(t, s, c, Delivered) // late: the message is gone
	other := s.Watch(nil)
	defer other.Close()
	accept(t, s, "acme", 100, "x@a.test")
	take(t, other, 1)
	if list := take(t, w, 1); len(list) != 1 || list[0].ID != m.ID || !list[0].Done {
		t.Errorf("events %q, want the one attempt", kinds(list))
	}
}

// A request that fails after it wrote has the others run again: they are told once.
func TestStore_Watch_tellsOnceWhatRunsAgain(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	w := s.Watch(nil)
	defer w.Close()
	const n = 20
	running, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		once := sync.OnceFunc(func() { close(running) })
		_ = s.db.Update(0, func(*bolt.Tx) error { once(); <-release; return nil })
	})
	<-running // what comes now makes one batch
	for i := range n {
		wg.Go(func() { accept(t, s, "acme", 100, "x@a.test") })
		if i == n/2 {
			wg.Go(func() {
				err := s.update(0, func(tx *tx) error {
					tx.tell(&Event{Kind: "never"}, nil)
					tx.b.Touch()
					return errors.New("spoilt")
				})
				if err == nil {
					t.Error("the spoilt request did not fail")
				}
			})
		}
	}
	close(release)
	wg.Wait()
	accept(t, s, "acme", 100, "x@a.test")
	seen := map[ID]int{}
	for _, l := range take(t, w, n+1) {
		seen[l.ID]++
		if l.Kind != EventAccepted {
			t.Errorf("told of %q, which was rolled back", l.Kind)
		}
	}
	if len(seen) != n+1 {
		t.Errorf("%d messages told, want %d", len(seen), n+1)
	}
}

func TestWatch_countsWhatItHasNoRoomFor(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	slow, quick := s.Watch(nil), s.Watch(func(e *Event, _ *Message) bool { return len(e.Recipients) == 2 })
	defer slow.Close()
	defer quick.Close()
	const over = 5
	var wg sync.WaitGroup
	for k := range 8 {
		wg.Go(func() {
			for i := k; i < watchBuffer+over; i += 8 {
				accept(t, s, "acme", 10, "x@a.test")
			}
		})
	}
	wg.Wait() // nobody was held up by the one that does not read
	accept(t, s, "acme", 10, "x@a.test", "y@a.test")
	if list := take(t, quick, 1); len(list) != 1 {
		t.Errorf("the quick reader has %d events", len(list))
	}
	list, missed, err := slow.Take(t.Context())
	if len(list) != watchBuffer || missed != over+1 || err != nil {
		t.Errorf("Take = %d events, %d missed, %v; want %d and %d", len(list), missed, err, watchBuffer, over+1)
	}
	accept(t, s, "acme", 10, "x@a.test")
	take(t, slow, 1) // it goes on
}

// Events to many recipients take the room of as many.
func TestWatch_countsRecipients(t *testing.T) {
	w := &Watch{ready: make(chan struct{}, 1)}
	huge := &Live{Event: Event{Recipients: make([]EventOutcome, 2*watchRecipients)}}
	w.push(huge)
	w.push(&Live{})
	if list, missed, err := w.Take(t.Context()); len(list) != 1 || missed != 1 || err != nil {
		t.Errorf("%d events, %d missed, %v; want the first, however large", len(list), missed, err)
	}
	many := &Live{Event: Event{Recipients: make([]EventOutcome, watchRecipients/4)}}
	for range 6 {
		w.push(many)
	}
	if list, missed, err := w.Take(t.Context()); len(list) != 4 || missed != 2 || err != nil {
		t.Errorf("%d events, %d missed, %v; want 4 and 2", len(list), missed, err)
	}
}

func TestWatch_Take_ends(t *testing.T) {
	s := reopen(t, filepath.Join(t.TempDir(), "relay.db"), &clock{t: epoch})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := s.Watch(nil)
	if _, _, err := w.Take(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Take = %v, want %v", err, context.Canceled)
	}
	other := s.Watch(nil)
	w.Close()
	w.Close()
	if list := s.feed.list.Load(); len(*list) != 1 {
		t.Errorf("%d watch", len(*list))
	}
	other.Close()
	if s.feed.list.Load() != nil {
		t.Error("the last one that left is still told of events")
	}
	last := s.Watch(nil)
	defer last.Close()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := last.Take(t.Context()); !errors.Is(err, bolt.ErrClosed) {
		t.Errorf("Take = %v of a closed store", err)
	}
}

// Whoever follows a message while it is worked on sees its whole life once, in
// order, whenever it begins.
func TestStore_Follow_hasNoGapAndNoRepeat(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	const steps = 60
	m := accept(t, s, "acme", 100, "x@a.test")
	var readers sync.WaitGroup
	follow := func() {
		past, queued, w, err := s.Follow(m.ID)
		if err != nil || !queued {
			t.Errorf("Follow: queued %v, %v", queued, err)
			return
		}
		readers.Go(func() {
			defer w.Close()
			got := past
			for done := false; !done; {
				list, missed, err := w.Take(t.Context())
				if err != nil || missed > 0 {
					t.Errorf("Take: %d missed, %v", missed, err)
					return
				}
				for _, l := range list {
					got, done = append(got, l.Event), l.Done
				}
			}
			want, err := s.Trace(m.ID)
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%d events of %d:\n%v\nwant\n%v, %v", len(got), len(want), got, want, err)
			}
		})
	}
	var others sync.WaitGroup
	stop := make(chan struct{})
	others.Go(func() { // makes batches
		for {
			select {
			case <-stop:
				return
			default:
				accept(t, s, "acme", 10, "z@other.test")
			}
		}
	})
	for i := range steps {
		wait := make(chan struct{})
		go func() { defer close(wait); follow() }()
		c.add(time.Second)
		if _, _, err := s.Change([]Op{OpHold, OpRelease, OpRetry}[i%3], []ID{m.ID}); err != nil {
			t.Fatal(err)
		}
		<-wait
	}
	if _, _, err := s.Change(OpDrop, []ID{m.ID}); err != nil {
		t.Fatal(err)
	}
	close(stop)
	others.Wait()
	readers.Wait()
	if past, queued, w, err := s.Follow(m.ID); err != nil || queued || len(past) != steps+2 {
		t.Errorf("Follow of what is done: %d events, queued %v, %v", len(past), queued, err)
	} else {
		w.Close()
	}
}

// Many watch, under load: who reads gets all, each message's events in order; who
// does not read holds up nobody.
func TestStore_Watch_underLoad(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	const messages, workers, watchers = 400, 8, 20
	idle := s.Watch(nil)
	defer idle.Close()
	var readers, load sync.WaitGroup
	for range watchers {
		w := s.Watch(nil)
		readers.Go(func() {
			defer w.Close()
			next := map[ID]int{}
			order := []string{"accepted", "attempt", "attempt, done"}
			for done := 0; done < messages; {
				list, missed, err := w.Take(t.Context())
				if err != nil || missed > 0 {
					t.Errorf("Take: %d missed, %v", missed, err)
					return
				}
				for i, k := range kinds(list) {
					id := list[i].ID
					if n := next[id]; n >= len(order) || k != order[n] {
						t.Errorf("event %d of %s is %q", n, id, k)
						return
					}
					if next[id]++; list[i].Done {
						done++
					}
				}
			}
		})
	}
	for k := range workers {
		load.Go(func() {
			domain := fmt.Sprintf("d%d.test", k)
			for range messages / workers {
				accept(t, s, "acme", 100, "x@"+domain)
				c := claim(t, s, domain, "acme", 1)[0]
				settle(t, s, c, Deferred)
				settle(t, s, c, Delivered)
			}
		})
	}
	load.Wait()
	readers.Wait()
}
