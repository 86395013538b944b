package bodies

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"testing"

	"pgregory.net/rapid"

	"relay/store/bucket"
	"relay/store/quiet"
	"relay/store/room"
	"relay/store/room/roomtest"
	"relay/store/spooled"
)

// world is a store of bodies, and what the room asks others for.
type world struct {
	*Bodies
	disk   *roomtest.Store
	ids    spooled.IDs
	length map[spooled.ID]int64 // of what is accepted
	held   int64
}

func newWorld(t testing.TB) *world {
	w := &world{disk: roomtest.Open(t), length: map[spooled.ID]int64{}}
	w.open(w.disk)
	return w
}

func (w *world) open(disk *roomtest.Store) {
	w.disk = disk
	w.Bodies = New(disk.DB, Options{Shared: -1, Memory: 1 << 30, IDs: &w.ids,
		MaySign: func(account string) bool { return account == "signs" },
		Held:    func(*room.Tx, string) (int64, error) { return w.held, nil },
		Length: func(_ *room.Tx, id spooled.ID) (int64, error) {
			if n, ok := w.length[id]; ok {
				return n, nil
			}
			return -1, nil
		},
		Log: quiet.New(slog.New(slog.DiscardHandler))})
}

// accept stores a body for good.
func (w *world) accept(t testing.TB, b *Body) {
	t.Helper()
	w.disk.Do(t, b.Keep)
	b.Accepted()
	w.length[b.ID()] = b.Size()
}

// remove takes the message of a body away.
func (w *world) remove(t testing.TB, id spooled.ID) {
	t.Helper()
	later := false
	w.disk.Do(t, func(tx *room.Tx) (err error) {
		later, err = w.Delete(tx, id, w.length[id])
		return err
	})
	delete(w.length, id)
	if later {
		w.Gone([]spooled.ID{id})
	}
}

// empty fails the test if anything is left on the disk.
func (w *world) empty(t testing.TB) {
	t.Helper()
	w.Wait()
	if n, marks := len(w.disk.Keys(t, bucket.Bodies)), len(w.disk.Keys(t, bucket.Orphans)); n+marks > 0 {
		t.Errorf("%d chunks and %d marks are left", n, marks)
	}
}

// fill writes n chunks into a body.
func fill(b *Body, n int) error {
	chunk := bytes.Repeat([]byte("x"), chunkSize)
	for range n {
		if _, err := b.Write(chunk); err != nil {
			return err
		}
	}
	return nil
}

// Who sends is asked before each piece is staged, and a no leaves nothing behind.
func TestBody_asksAsItGrows(t *testing.T) {
	w := newWorld(t)
	no, asked := errors.New("no"), 0
	b := w.NewOf(Sender{Account: "acme", Ask: func() error {
		if asked++; asked > 2 {
			return no
		}
		return nil
	}})
	if err := fill(b, 10*stageAt); !errors.Is(err, no) || asked != 3 || b.Size() != 3*stageAt*chunkSize {
		t.Errorf("%v after %d questions and %d octets", err, asked, b.Size())
	}
	b.Discard()
	w.empty(t)
	small := w.NewOf(Sender{Ask: func() error { t.Error("asked about what is in memory"); return nil }})
	if fill(small, stageAt) != nil {
		t.Error("1 MiB is refused")
	}
}

// However many connections an account has, what they stage has a cap; it is free
// again with the acceptance, or when what was given up is removed.
func TestBody_stagedHasACap(t *testing.T) {
	w := newWorld(t)
	acme, other := Sender{Account: "acme", Staged: 3 * stageAt * chunkSize}, Sender{Account: "other", Staged: 3 * stageAt * chunkSize}
	open := func(from Sender, pieces int) *Body {
		t.Helper()
		b := w.NewOf(from)
		if err := fill(b, pieces*stageAt+1); err != nil {
			t.Fatalf("%s, %d pieces: %v", from.Account, pieces, err)
		}
		return b
	}
	full := func() {
		t.Helper()
		b := w.NewOf(acme)
		if err := fill(b, stageAt+1); !errors.Is(err, ErrStaged) {
			t.Errorf("beyond the cap: %v", err)
		}
		b.Discard()
	}
	one, two := open(acme, 2), open(acme, 1)
	full()
	open(other, 3).Discard()
	two.Discard()
	w.Wait()
	two = open(acme, 1)
	full()
	w.accept(t, one)
	open(acme, 2).Discard()
	two.Discard()
	w.Wait()
	if len(w.staged.of) != 0 {
		t.Errorf("%v are counted as staged", w.staged.of)
	}
	w.remove(t, one.ID())
	w.empty(t)
}

// Below the shared room an account may hold as much as is left.
func TestBodies_ShareAlike(t *testing.T) {
	w := newWorld(t)
	w.disk.Do(t, func(tx *room.Tx) error {
		left := tx.Room()
		for _, c := range []struct {
			shared, held, more int64
			account            string
			want               error
		}{
			{left, 2 * left, 1, "acme", nil}, // there is room enough
			{left + 1, left / 2, left / 2, "acme", nil},
			{left + 1, left/2 + 1, left/2 + 1, "acme", ErrShare},
			{left + 1, 2 * left, 1, "", nil}, // relay itself
		} {
			w.o.Shared, w.held = c.shared, c.held
			if err := w.ShareAlike(tx, c.account, c.more); !errors.Is(err, c.want) {
				t.Errorf("%+v: %v", c, err)
			}
		}
		return nil
	})
}

// Content that is sent again and again and never accepted leaves nothing.
func TestBody_abandonedLeavesNothing(t *testing.T) {
	w := newWorld(t)
	for range 6 {
		var all []*Body
		for range 4 {
			b := w.NewOf(Sender{Account: "acme"})
			if err := fill(b, 3*stageAt); err != nil {
				t.Fatal(err)
			}
			all = append(all, b)
		}
		for _, b := range all {
			b.Discard()
		}
		w.empty(t)
	}
}

// A kill leaves what was accepted, and the next start removes the rest.
func TestBodies_killed(t *testing.T) {
	w := newWorld(t)
	kept, staged, dying := w.New(), w.New(), w.New()
	for _, b := range []*Body{kept, staged, dying} {
		if err := fill(b, 3*stageAt); err != nil {
			t.Fatal(err)
		}
	}
	w.accept(t, kept)
	w.accept(t, dying)
	w.disk.Do(t, func(tx *room.Tx) error { // its message is gone, the sweeper has not begun
		later, err := w.Delete(tx, dying.ID(), dying.Size())
		if !later {
			t.Error("a long body is removed in one transaction")
		}
		return err
	})
	delete(w.length, dying.ID())
	w.open(w.disk.Killed(t))
	if err := w.SweepOrphans(); err != nil {
		t.Fatal(err)
	}
	w.Wait()
	if n, err := io.Copy(io.Discard, w.Open(kept.ID())); n != kept.Size() || err != nil {
		t.Errorf("%d octets, %v", n, err)
	}
	w.remove(t, kept.ID())
	w.empty(t)
}

// A transaction of the sweeper removes no more than a piece.
func TestSweep_byPieces(t *testing.T) {
	w := newWorld(t)
	b := w.NewOf(Sender{Account: "acme"})
	if err := fill(b, 10*sweepPiece); err != nil {
		t.Fatal(err)
	}
	before, _ := w.disk.Engine().Commits()
	pieces := int64(b.staged+sweepPiece-1) / sweepPiece
	b.Discard()
	w.Wait()
	if n, _ := w.disk.Engine().Commits(); n-before != pieces {
		t.Errorf("%d commits for %d pieces", n-before, pieces)
	}
}

// A body is read before it is accepted: from memory, and from the disk what is staged.
func TestBody_Open(t *testing.T) {
	w := newWorld(t)
	for _, chunks := range []int{0, 1, stageAt, stageAt + 3} {
		b := w.New()
		for i := range chunks {
			if _, err := b.Write(bytes.Repeat([]byte{byte(i)}, chunkSize)); err != nil {
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
			if got[i*chunkSize] != byte(i) {
				t.Errorf("of %d chunks the %dth is not there", chunks, i)
			}
		}
		_ = r.Close()
		b.Discard()
	}
}

// What was written is what is read, whatever its length, in whatever pieces it came.
func TestBodies_roundTrip(t *testing.T) {
	w := newWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		const chunk = chunkSize
		size := rapid.SampledFrom([]int{0, 1, chunk - 1, chunk, chunk + 1, stageAt * chunk, stageAt*chunk + 1, 3 * stageAt * chunk}).Draw(t, "size")
		step := rapid.IntRange(size/50+1, size/2+1).Draw(t, "step")
		want := make([]byte, size)
		for i := range want {
			want[i] = byte(i * 7 / 5)
		}
		b := w.New()
		for rest := want; len(rest) > 0; {
			n := min(step, len(rest))
			if _, err := b.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		w.keep(t, b)
		r := w.Open(b.ID())
		defer r.Close()
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
			t.Errorf("read %d octets, %v", len(got), err)
		}
		var buf bytes.Buffer
		again := w.Open(b.ID())
		defer again.Close()
		if _, err := again.WriteTo(&buf); err != nil || !bytes.Equal(buf.Bytes(), want) {
			t.Errorf("WriteTo wrote %d octets, %v", buf.Len(), err)
		}
		var within []byte
		if err := w.disk.View(func(tx room.Tx) (err error) {
			within, err = io.ReadAll(In(&tx, b.ID(), b.Size()))
			return err
		}); err != nil || !bytes.Equal(within, want) {
			t.Errorf("read %d octets within a transaction, %v", len(within), err)
		}
	})
}

// keep is accept in a property.
func (w *world) keep(t *rapid.T, b *Body) {
	if err := w.disk.Update(0, func(tx room.Tx) error { return b.Keep(&tx) }); err != nil {
		t.Fatal(err)
	}
	b.Accepted()
	w.length[b.ID()] = b.Size()
}

// However many bodies come in, what they hold in memory has a bound. Those that are staged early are
// whole.
func TestBody_memoryHasABudget(t *testing.T) {
	const count, budget = 300, 4 << 20
	w := newWorld(t)
	w.memory.most = budget
	text := bytes.Repeat([]byte("0123456789abcde\n"), 9*chunkSize/16)
	all := make([]*Body, count)
	for i := range all {
		all[i] = w.NewOf(Sender{Account: "acme"})
	}
	for part := 0; part < len(text); part += chunkSize { // all grow side by side
		for _, b := range all {
			if _, err := b.Write(text[part : part+chunkSize]); err != nil {
				t.Fatal(err)
			}
		}
		if used, most := w.InMemory(), int64(budget+count*stageEarly*chunkSize); used > most {
			t.Fatalf("%d octets in memory, want at most %d", used, most)
		}
	}
	for i, b := range all {
		w.accept(t, b)
		r := w.Open(b.ID())
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, text) {
			t.Fatalf("body %d: %d octets, %v", i, len(got), err)
		}
		_ = r.Close()
	}
	if used := w.InMemory(); used != 0 || len(w.staged.of) != 0 {
		t.Errorf("%d octets are counted at the end, %v staged", used, w.staged.of)
	}
}

// Half a body does not pass for the whole.
func TestReader_removedWhileItIsRead(t *testing.T) {
	for _, chunks := range []int{3, 3 * sweepAt} {
		w := newWorld(t)
		b := w.New()
		if err := fill(b, chunks); err != nil {
			t.Fatal(err)
		}
		w.accept(t, b)
		r := w.Open(b.ID())
		defer r.Close()
		if _, err := io.ReadFull(r, make([]byte, chunkSize)); err != nil {
			t.Fatal(err)
		}
		w.remove(t, b.ID())
		w.Wait()
		if n, err := io.Copy(io.Discard, r); !errors.Is(err, room.ErrNotFound) {
			t.Errorf("%d chunks: %d more octets, then %v", chunks, n, err)
		}
	}
}

// Only what may be signed is hashed.
func TestBody_Hash(t *testing.T) {
	w := newWorld(t)
	for _, from := range []Sender{{Account: "signs"}, {Account: "other", Service: true}, {Account: "other"}, {}} {
		b := w.NewOf(from)
		_, _ = b.Write([]byte("text\r\n"))
		if got, want := b.Hash() != nil, from.Account == "signs" || from.Service; got != want {
			t.Errorf("%+v: hashed %v", from, got)
		}
		b.Discard()
	}
}
