package store

import (
	"bytes"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/bodies"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/orders"
	"relay/store/outcomes"
	"relay/store/people"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

// custom is a store with options of its own.
func custom(t testing.TB, o Options) *Store {
	t.Helper()
	c := &clock{t: epoch}
	o.Now = c.now
	s, err := openTest(filepath.Join(t.TempDir(), "relay.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

const (
	aChunk = 16_000 // octets of a chunk of a body
	aStage = 65     // chunks that a body may hold in memory
)

// fills writes n chunks into a body.
func fills(b *bodies.Body, n int) error {
	chunk := bytes.Repeat([]byte("x"), aChunk)
	for range n {
		if _, err := b.Write(chunk); err != nil {
			return err
		}
	}
	return nil
}

// Whatever is to be removed, mail is taken with the next commit but one.
func TestSweep_holdsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newStore(t)
		addAccount(t, s, "acme", quota.Plan{})
		var all []*bodies.Body
		for range 40 {
			b := s.Bodies.NewOf(bodies.Sender{Account: "other"})
			if err := fills(b, 2*aStage+1); err != nil {
				t.Fatal(err)
			}
			all = append(all, b)
		}
		enter, leave := make(chan struct{}), make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := s.update(0, func(*tx) error { close(enter); <-leave; return nil }); err != nil {
				t.Error(err)
			}
		})
		<-enter
		for _, b := range all {
			b.Discard()
		}
		synctest.Wait() // the sweeper waits for the writer
		in := intake(s, "acme", 1000, "x@a.test")
		before, _ := s.Commits()
		var earlier int64 // commits when its transaction ran
		w := s.Trace.Watch(func(*trace.Event, *spooled.Message) bool {
			earlier, _ = s.Commits()
			return false
		})
		defer w.Close()
		wg.Go(func() {
			if no, err := s.Accept(in); no != nil || err != nil {
				t.Error(no, err)
			}
		})
		synctest.Wait()
		close(leave)
		wg.Wait()
		if earlier > before+1 {
			t.Errorf("accepted with commit %d after it was handed over", earlier-before+1)
		}
		verify(t, s)
	})
}

// Where the disk has little room left, the account that has most in the queue is
// refused, and others go on.
func TestAccept_mostInTheQueueIsRefusedFirst(t *testing.T) {
	var free atomic.Int64
	free.Store(1 << 40)
	s := custom(t, Options{Free: free.Load, Reserve: 1 << 30, Shared: 100 << 20})
	for _, name := range []string{"big", "small"} {
		_, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: name}, Plan: quota.Plan{Name: "p", Term: quota.Year},
			Credential: &people.Credential{Login: name, Account: name, Kind: people.Token, Hash: "x"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	var queued []*spooled.Message
	for range 4 {
		queued = append(queued, accept(t, s, "big", 900_000, "x@a.test"))
	}
	room := func(n int64) { // the file's own free pages count too
		_, inFile := s.Size()
		free.Store(1<<30 + n - inFile)
	}
	try := func(account string, size int) error {
		_, err := s.Accept(intake(s, account, size, "x@a.test"))
		return err
	}
	room(3_000_000)
	if err := try("big", 1000); !errors.Is(err, bodies.ErrShare) {
		t.Errorf("the account with 3.6 MB in the queue: %v", err)
	}
	room(3_000_000)
	if err := try("small", 1000); err != nil {
		t.Errorf("the account with an empty queue: %v", err)
	}
	b := s.Bodies.NewOf(bodies.Sender{Account: "big"})
	if err := fills(b, aStage+1); !errors.Is(err, bodies.ErrShare) {
		t.Errorf("staging of the account with most: %v", err)
	}
	b.Discard()
	room(3_000_000)
	b = s.Bodies.NewOf(bodies.Sender{Account: "small"})
	if err := fills(b, 4*aStage); !errors.Is(err, bodies.ErrShare) {
		t.Errorf("a message larger than what is left: %v", err)
	}
	b.Discard()
	s.Bodies.Wait()
	room(-1)
	if err := try("small", 1000); !errors.Is(err, ErrFull) {
		t.Errorf("below the reserve: %v", err)
	}
	for _, m := range queued[:2] {
		if _, _, err := s.Spool.Change(spool.OpDrop, []spooled.ID{m.ID}); err != nil {
			t.Fatal(err)
		}
	}
	room(3_000_000)
	if err := try("big", 1000); err != nil {
		t.Errorf("with 1.8 MB in the queue: %v", err)
	}
	room(200 << 20)
	if err := try("big", 1_000_000); err != nil {
		t.Errorf("with room for all: %v", err)
	}
	verify(t, s)
}

// A file of before is told what each account has in the spool.
func TestOpen_countsWhatIsStored(t *testing.T) {
	c := &clock{t: epoch}
	path := filepath.Join(t.TempDir(), "relay.db")
	s := reopen(t, path, c)
	addAccount(t, s, "acme", quota.Plan{})
	accept(t, s, "acme", 2000, "x@a.test", "y@b.test")
	accept(t, s, "acme", 3000, "x@a.test")
	err := s.update(0, func(t *tx) error { // as it was
		return changeProgress(t, "acme", "2026-11", func(p *outcomes.Progress) { p.Stored = 0 })
	})
	err = errors.Join(err, joinUsage(s))
	err = errors.Join(err, s.update(0, func(t *tx) error { return t.Write(bucket.Meta, keySchema, 3) }))
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, path, c)
	defer s.Close()
	if u, err := s.Standings.Usage("acme", "2026-11"); err != nil || u.Stored != 5000 {
		t.Errorf("usage %+v, %v, want 5000 octets stored", u, err)
	}
	verify(t, s)
}
