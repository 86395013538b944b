package store

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/people"
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

// fills writes n chunks into a body.
func fills(b *Body, n int) error {
	chunk := bytes.Repeat([]byte("x"), ChunkSize)
	for range n {
		if _, err := b.Write(chunk); err != nil {
			return err
		}
	}
	return nil
}

// Who sends is asked before each piece is staged, and a no leaves nothing behind.
func TestBody_asksAsItGrows(t *testing.T) {
	s, _ := newStore(t)
	no, asked := errors.New("no"), 0
	b := s.NewBodyOf(Sender{Account: "acme", Ask: func() error {
		if asked++; asked > 2 {
			return no
		}
		return nil
	}})
	if err := fills(b, 10*stageAt); !errors.Is(err, no) || asked != 3 || b.Size() != 3*stageAt*ChunkSize {
		t.Errorf("%v after %d questions and %d octets", err, asked, b.Size())
	}
	b.Discard()
	if st := verify(t, s); st.Staged != 0 {
		t.Errorf("%d bodies are left", st.Staged)
	}
	if small := s.NewBodyOf(Sender{Ask: func() error { t.Error("asked about what is in memory"); return nil }}); fills(small, stageAt) != nil {
		t.Error("1 MiB is refused")
	}
}

// However many connections an account has, what they stage has a cap; it is free
// again with the acceptance, or when what was given up is removed.
func TestBody_stagedHasACap(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	acme, other := Sender{Account: "acme", Staged: 3 * stageAt * ChunkSize}, Sender{Account: "other", Staged: 3 * stageAt * ChunkSize}
	open := func(from Sender, pieces int) *Body {
		t.Helper()
		b := s.NewBodyOf(from)
		if err := fills(b, pieces*stageAt+1); err != nil {
			t.Fatalf("%s, %d pieces: %v", from.Account, pieces, err)
		}
		return b
	}
	full := func() {
		t.Helper()
		b := s.NewBodyOf(acme)
		if err := fills(b, stageAt+1); !errors.Is(err, ErrStaged) {
			t.Errorf("beyond the cap: %v", err)
		}
		b.Discard()
	}
	one, two := open(acme, 2), open(acme, 1)
	full()
	open(other, 3).Discard()
	two.Discard()
	s.sweep.Wait()
	two = open(acme, 1)
	full()
	m := &spooled.Message{Account: "acme", Size: one.Size(), Expires: epoch.AddDate(0, 0, 4), Recipients: []spooled.Recipient{{Address: "x@a.test", Domain: "a.test"}}}
	if no, err := s.Accept(Intake{Message: m, Body: one, Login: "acme"}); no != nil || err != nil {
		t.Fatal(no, err)
	}
	open(acme, 2).Discard()
	two.Discard()
	if st := verify(t, s); st.Staged != 0 || len(s.staged.of) != 0 {
		t.Errorf("%d bodies are staged, %v counted", st.Staged, s.staged.of)
	}
}

// Content that is sent again and again and never accepted does not make the file
// grow.
func TestBody_abandonedLeavesNothing(t *testing.T) {
	s, _ := newStore(t)
	var first int64
	for round := range 6 {
		var all []*Body
		for range 4 {
			b := s.NewBodyOf(Sender{Account: "acme"})
			if err := fills(b, 3*stageAt); err != nil {
				t.Fatal(err)
			}
			all = append(all, b)
		}
		for _, b := range all {
			b.Discard()
		}
		s.sweep.Wait()
		file, free := s.Size()
		if round == 2 {
			first = file
		}
		if round > 2 && file > first+first/4 {
			t.Errorf("round %d: the file has %d octets, %d of them free; after the third round it had %d", round, file, free, first)
		}
	}
	if st := verify(t, s); st.Staged != 0 {
		t.Errorf("%d bodies are left", st.Staged)
	}
}

// Whatever is to be removed, mail is taken with the next commit but one.
func TestSweep_holdsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newStore(t)
		addAccount(t, s, "acme", quota.Plan{})
		var all []*Body
		for range 40 {
			b := s.NewBodyOf(Sender{Account: "other"})
			if err := fills(b, 2*stageAt+1); err != nil {
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

// A transaction of the sweeper removes no more than a piece.
func TestSweep_byPieces(t *testing.T) {
	s, _ := newStore(t)
	b := s.NewBodyOf(Sender{Account: "acme"})
	if err := fills(b, 10*sweepPiece); err != nil {
		t.Fatal(err)
	}
	before, _ := s.Commits()
	pieces := int64(b.staged+sweepPiece-1) / sweepPiece
	b.Discard()
	s.sweep.Wait()
	if n, _ := s.Commits(); n-before != pieces {
		t.Errorf("%d commits for %d pieces", n-before, pieces)
	}
}

// Where the disk has little room left, the account that has most in the queue is
// refused, and others go on.
func TestAccept_mostInTheQueueIsRefusedFirst(t *testing.T) {
	var free atomic.Int64
	free.Store(1 << 40)
	s := custom(t, Options{Free: free.Load, Reserve: 1 << 30, Shared: 100 << 20})
	for _, name := range []string{"big", "small"} {
		_, err := s.AddAccount(behalf.Order{}, NewAccount{Account: Account{Name: name}, Plan: quota.Plan{Name: "p", Term: quota.Year},
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
	if err := try("big", 1000); !errors.Is(err, ErrShare) {
		t.Errorf("the account with 3.6 MB in the queue: %v", err)
	}
	room(3_000_000)
	if err := try("small", 1000); err != nil {
		t.Errorf("the account with an empty queue: %v", err)
	}
	b := s.NewBodyOf(Sender{Account: "big"})
	if err := fills(b, stageAt+1); !errors.Is(err, ErrShare) {
		t.Errorf("staging of the account with most: %v", err)
	}
	b.Discard()
	room(3_000_000)
	b = s.NewBodyOf(Sender{Account: "small"})
	if err := fills(b, 4*stageAt); !errors.Is(err, ErrShare) {
		t.Errorf("a message larger than what is left: %v", err)
	}
	b.Discard()
	s.sweep.Wait()
	room(-1)
	if err := try("small", 1000); !errors.Is(err, ErrFull) {
		t.Errorf("below the reserve: %v", err)
	}
	for _, m := range queued[:2] {
		if _, _, err := s.Change(OpDrop, []spooled.ID{m.ID}); err != nil {
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

// However many bodies come in, what they hold in memory has a bound; those that
// are staged early are whole.
func TestBody_memoryHasABudget(t *testing.T) {
	const bodies, budget = 300, 4 << 20
	s := custom(t, Options{Memory: budget})
	addAccount(t, s, "acme", quota.Plan{})
	text := bytes.Repeat([]byte("0123456789abcde\n"), 9*ChunkSize/16)
	all := make([]Intake, bodies)
	for i := range all {
		all[i] = intake(s, "acme", 0, "x@a.test")
	}
	for part := 0; part < len(text); part += ChunkSize { // all grow side by side
		for i := range all {
			if _, err := all[i].Body.Write(text[part : part+ChunkSize]); err != nil {
				t.Fatal(err)
			}
		}
		if used, most := s.memory.used.Load(), int64(budget+bodies*stageEarly*ChunkSize); used > most {
			t.Fatalf("%d octets in memory, want at most %d", used, most)
		}
	}
	for i, in := range all {
		in.Message.Size = int64(len(text))
		if no, err := s.Accept(in); no != nil || err != nil {
			t.Fatal(no, err)
		}
		if got, err := io.ReadAll(s.OpenBody(in.Message.ID)); err != nil || !bytes.Equal(got, text) {
			t.Fatalf("body %d: %d octets, %v", i, len(got), err)
		}
	}
	if used := s.memory.used.Load(); used != 0 {
		t.Errorf("%d octets are counted at the end", used)
	}
	if st := verify(t, s); st.Staged != 0 {
		t.Errorf("%d bodies are staged", st.Staged)
	}
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
		t.Touch()
		t.progress("acme", "2026-11").Stored = 0
		return nil
	})
	err = errors.Join(err, joinUsage(s))
	err = errors.Join(err, s.update(0, func(t *tx) error { return t.Write(bucket.Meta, keySchema, 3) }))
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, path, c)
	defer s.Close()
	if u, err := s.Usage("acme", "2026-11"); err != nil || u.Stored != 5000 {
		t.Errorf("usage %+v, %v, want 5000 octets stored", u, err)
	}
	verify(t, s)
}

// A body is read before it is accepted: from memory, and from the disk what is staged.
func TestBody_Open(t *testing.T) {
	s, _ := newStore(t)
	for _, chunks := range []int{0, 1, stageAt, stageAt + 3} {
		b := s.NewBody()
		for i := range chunks {
			if _, err := b.Write(bytes.Repeat([]byte{byte(i)}, ChunkSize)); err != nil {
				t.Fatal(err)
			}
		}
		_, _ = b.Write([]byte("the end"))
		r := b.Open()
		got, err := io.ReadAll(r)
		if err != nil || int64(len(got)) != b.Size() || !bytes.HasSuffix(got, []byte("the end")) {
			t.Errorf("of %d chunks %d octets are read, %v", chunks, len(got), err)
		}
		for i := range chunks {
			if got[i*ChunkSize] != byte(i) {
				t.Errorf("of %d chunks the %dth is not there", chunks, i)
			}
		}
		_ = r.Close()
		b.Discard()
	}
}
