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
	"relay/store/engine"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

// take returns n events of a watch that must miss nothing.
func take(t testing.TB, w *trace.Watch, n int) (list []*trace.Live) {
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

func kinds(list []*trace.Live) (all []string) {
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
	w := s.Trace.Watch(nil)
	defer w.Close()
	m := accept(t, s, "acme", 100, "x@a.test", "y@b.test")
	settle(t, s, claim(t, s, "a.test", "acme", 1)[0], spooled.Deferred)
	if _, _, err := s.Spool.Change(spool.OpRetry, []spooled.ID{m.ID}); err != nil {
		t.Fatal(err)
	}
	s.Spool.SetDSNs(plainDSNs(s, 0, "dsn\r\n"))
	err := s.Spool.Settle(spool.Result{ID: m.ID, Domain: "b.test", Event: trace.Event{Kind: trace.EventAttempt},
		Outcomes: []spool.Outcome{{Rcpt: 1, State: spooled.Failed, Reply: "550 no", DSN: &spooled.DSN{Action: "failed"}}}})
	if err != nil {
		t.Fatal(err)
	}
	settle(t, s, claim(t, s, "a.test", "acme", 1)[0], spooled.Delivered)

	list := take(t, w, 7)
	want := []string{"accepted", "attempt", "changed", "attempt", "attempt", "accepted", "notice, done"}
	if got := kinds(list); !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
	if first := list[0]; first.ID != m.ID || first.Account != "acme" || first.Sender != "a@src.test" || len(first.Recipients) != 2 {
		t.Errorf("acceptance %+v", first)
	}
	stored, err := s.Trace.Of(m.ID)
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
	w := s.Trace.Watch(func(e *trace.Event, m *spooled.Message) bool {
		return e.Kind == trace.EventAttempt && m != nil && m.Sender == "a@src.test"
	})
	defer w.Close()
	m := accept(t, s, "acme", 100, "x@a.test")
	c := claim(t, s, "a.test", "acme", 1)[0]
	settle(t, s, c, spooled.Delivered)
	settle(t, s, c, spooled.Delivered) // late: the message is gone
	other := s.Trace.Watch(nil)
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
	w := s.Trace.Watch(nil)
	defer w.Close()
	const n = 20
	running, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		once := sync.OnceFunc(func() { close(running) })
		_ = s.db.Engine().Update(engine.Write{Do: func(*engine.Tx) error { once(); <-release; return nil }})
	})
	<-running // what comes now makes one batch
	for i := range n {
		wg.Go(func() { accept(t, s, "acme", 100, "x@a.test") })
		if i == n/2 {
			wg.Go(func() {
				err := s.update(0, func(tx *tx) error {
					tx.s.Trace.Tell(&tx.Tx, &trace.Event{Kind: "never"}, nil)
					tx.Touch()
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
	seen := map[spooled.ID]int{}
	for _, l := range take(t, w, n+1) {
		seen[l.ID]++
		if l.Kind != trace.EventAccepted {
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
	slow, quick := s.Trace.Watch(nil), s.Trace.Watch(func(e *trace.Event, _ *spooled.Message) bool { return len(e.Recipients) == 2 })
	defer slow.Close()
	defer quick.Close()
	const over = 5
	var wg sync.WaitGroup
	for k := range 8 {
		wg.Go(func() {
			for i := k; i < trace.WatchBuffer+over; i += 8 {
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
	if len(list) != trace.WatchBuffer || missed != over+1 || err != nil {
		t.Errorf("Take = %d events, %d missed, %v; want %d and %d", len(list), missed, err, trace.WatchBuffer, over+1)
	}
	accept(t, s, "acme", 10, "x@a.test")
	take(t, slow, 1) // it goes on
}

func TestWatch_Take_ends(t *testing.T) {
	s := reopen(t, filepath.Join(t.TempDir(), "relay.db"), &clock{t: epoch})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := s.Trace.Watch(nil)
	if _, _, err := w.Take(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Take = %v, want %v", err, context.Canceled)
	}
	other := s.Trace.Watch(nil)
	w.Close()
	w.Close()
	if !s.Trace.Watched() {
		t.Error("with one of two gone, nobody watches")
	}
	other.Close()
	if s.Trace.Watched() {
		t.Error("the last one that left is still told of events")
	}
	last := s.Trace.Watch(nil)
	defer last.Close()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := last.Take(t.Context()); !errors.Is(err, engine.ErrClosed) {
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
		past, queued, w, err := s.Trace.Follow(m.ID)
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
			want, err := s.Trace.Of(m.ID)
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
		if _, _, err := s.Spool.Change([]spool.Op{spool.OpHold, spool.OpRelease, spool.OpRetry}[i%3], []spooled.ID{m.ID}); err != nil {
			t.Fatal(err)
		}
		<-wait
	}
	if _, _, err := s.Spool.Change(spool.OpDrop, []spooled.ID{m.ID}); err != nil {
		t.Fatal(err)
	}
	close(stop)
	others.Wait()
	readers.Wait()
	if past, queued, w, err := s.Trace.Follow(m.ID); err != nil || queued || len(past) != steps+2 {
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
	idle := s.Trace.Watch(nil)
	defer idle.Close()
	var readers, load sync.WaitGroup
	for range watchers {
		w := s.Trace.Watch(nil)
		readers.Go(func() {
			defer w.Close()
			next := map[spooled.ID]int{}
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
				settle(t, s, c, spooled.Deferred)
				settle(t, s, c, spooled.Delivered)
			}
		})
	}
	load.Wait()
	readers.Wait()
}
