package sent

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
)

// shelf is an ordered store in memory.
type shelf struct {
	keys [][]byte
	of   map[string][]byte
}

func (s *shelf) at(key []byte) int {
	return sort.Search(len(s.keys), func(i int) bool { return bytes.Compare(s.keys[i], key) >= 0 })
}

func (s *shelf) put(key, chunk []byte) error {
	if i := s.at(key); s.of[string(key)] == nil {
		s.keys = slices.Insert(s.keys, i, bytes.Clone(key))
	}
	s.of[string(key)] = bytes.Clone(chunk)
	return nil
}

func (s *shelf) remove(key []byte) {
	i := s.at(key)
	s.keys = slices.Delete(s.keys, i, i+1)
	delete(s.of, string(key))
}

// place is a position on a shelf.
type place struct {
	s *shelf
	i int
}

func (p *place) get() (k, v []byte) {
	if p.i < 0 || p.i >= len(p.s.keys) {
		return nil, nil
	}
	return p.s.keys[p.i], p.s.of[string(p.s.keys[p.i])]
}

func (p *place) Seek(key []byte) (k, v []byte) { p.i = p.s.at(key); return p.get() }
func (p *place) Next() (k, v []byte)           { p.i++; return p.get() }
func (p *place) Prev() (k, v []byte)           { p.i--; return p.get() }
func (p *place) Last() (k, v []byte)           { p.i = len(p.s.keys) - 1; return p.get() }

// world is an index as its keeper has it, and the entries that it must have.
type world struct {
	t     *testing.T
	shelf *shelf
	runs  map[uint32]Run
	next  uint32
	parts []*Part
	have  map[Hash][]Entry
	wrote int64 // entries, by merges
	most  int   // runs at once
}

func newWorld(t *testing.T) *world {
	return &world{t: t, shelf: &shelf{of: map[string][]byte{}}, runs: map[uint32]Run{}, next: 1, parts: []*Part{{}}, have: map[Hash][]Entry{}}
}

func (w *world) add(e Entry) {
	w.have[e.Message] = append(w.have[e.Message], e)
	last := w.parts[len(w.parts)-1]
	if last.Full() {
		last = &Part{}
		w.parts = append(w.parts, last)
	}
	last.Add(e.Append(nil))
}

func (w *world) list() (list []Run) {
	live := 0
	for _, r := range w.runs {
		if list = append(list, r); r.Live() {
			live++
		}
	}
	w.most = max(w.most, live)
	return list
}

// step does one thing, as a transaction would, and reports whether there was one.
func (w *world) step(today int) bool {
	if p := w.parts[0]; p.Full() || p.Len() > 0 && p.Day() < today {
		list := p.Sorted()
		r := RunOfPart(w.next, list)
		w.next++
		var err error
		if r.Chunks, err = Chunks(r.Number, 0, list, w.shelf.put); err != nil {
			w.t.Fatal(err)
		}
		w.runs[r.Number] = r
		if w.parts = w.parts[1:]; len(w.parts) == 0 {
			w.parts = []*Part{{}}
		}
		return true
	}
	switch j := Plan(w.list(), today); j.Act {
	case Rest:
		return false
	case Begin:
		j.Run.Number = w.next
		w.next++
		w.runs[j.Run.Number] = j.Run
	case GoOn:
		list := Take(func() Cursor { return &place{s: w.shelf} }, j.Run.Of, j.Run.After)
		w.wrote += int64(len(list) / Size)
		done, err := j.Run.Extend(list, w.shelf.put)
		if err != nil {
			w.t.Fatal(err)
		}
		w.runs[j.Run.Number] = j.Run
		for _, n := range done {
			r := w.runs[n]
			r.Gone = true
			w.runs[n] = r
		}
	case Retire:
		j.Run.Gone = true
		w.runs[j.Run.Number] = j.Run
	case Remove:
		keys := Some(&place{s: w.shelf}, j.Run.Number, 100)
		for _, k := range keys {
			w.shelf.remove(k)
		}
		if len(keys) < 100 {
			delete(w.runs, j.Run.Number)
		}
	}
	return true
}

// find is what a look-up finds.
func (w *world) find(h Hash) (all []Entry) {
	keep := func(raw []byte) bool { all = append(all, Read(raw)); return true }
	for _, p := range w.parts {
		p.Find(h, keep)
	}
	for _, r := range w.list() {
		if r.Live() {
			Find(&place{s: w.shelf}, r.Number, h[:], keep)
		}
	}
	return all
}

// check compares a look-up with what there must be, less what is too old.
func (w *world) check(h Hash, today int) {
	w.t.Helper()
	sortEntries := func(list []Entry) {
		slices.SortFunc(list, func(a, b Entry) int { return bytes.Compare(a.Append(nil), b.Append(nil)) })
	}
	young := func(e Entry) bool { return int(e.At/86400) >= today-Kept }
	got, want := w.find(h), slices.Clone(w.have[h])
	got = slices.DeleteFunc(got, func(e Entry) bool { return !young(e) })
	want = slices.DeleteFunc(want, func(e Entry) bool { return !young(e) })
	sortEntries(got)
	sortEntries(want)
	if !slices.Equal(got, want) {
		w.t.Fatalf("day %d: %x has %d entries, want %d", today, h, len(got), len(want))
	}
}

// Any mix of rates, with steps of the keeper left out and done at any time, finds what a map
// finds, with few runs, and with few copies of an entry.
func TestIndex(t *testing.T) {
	for seed := range uint64(1) {
		w, r := newWorld(t), rand.New(rand.NewPCG(seed, 1))
		var hashes []Hash
		added := int64(0)
		for day := 20_000; day < 20_000+200; day++ {
			n := []int{0, 3, 300, 1500}[r.IntN(4)]
			if day%100 == 7 {
				n = 12_000
			}
			for i := range n {
				var e Entry
				switch {
				case i%7 == 1 && len(hashes) > 0: // other recipients of a message, or another one with its Message-ID
					e.Message = hashes[len(hashes)-1-r.IntN(min(len(hashes), 9))]
				default:
					binary.BigEndian.PutUint64(e.Message[:], r.Uint64())
					hashes = append(hashes, e.Message)
				}
				binary.BigEndian.PutUint32(e.Mailbox[:], r.Uint32())
				binary.BigEndian.PutUint64(e.ID[:], uint64(added))
				e.Owner, e.Way, e.At = r.Uint32(), uint16(r.Uint32()), uint32(day*86400+i%86400)
				w.add(e)
				if added++; r.IntN(400) == 0 {
					for range r.IntN(30) {
						w.step(day)
					}
				}
			}
			for n := r.IntN(60); n > 0 && w.step(day); n-- {
			}
			for range 20 {
				if len(hashes) > 0 {
					w.check(hashes[r.IntN(len(hashes))], day)
				}
			}
			w.check(Hash{byte(day)}, day)
		}
		for n := 0; w.step(20_200); n++ {
			if n > 100_000 {
				t.Fatal("the keeper comes to no end")
			}
		}
		for _, h := range hashes[len(hashes)-500:] {
			w.check(h, 20_200)
		}
		chunks := uint32(0)
		for _, run := range w.runs {
			chunks += run.Chunks
		}
		if w.most > 100 || w.wrote > 6*added || int(chunks) != len(w.shelf.keys) {
			t.Errorf("%d entries: at most %d runs, %d copies made, %d chunks of %d runs, %d there", added, w.most, w.wrote, chunks, len(w.runs), len(w.shelf.keys))
		}
	}
}

// A Message-ID that every mail has makes long rows of equal hashes, which are found from a
// mailbox on.
func TestFind_sameMessageID(t *testing.T) {
	w := newWorld(t)
	h := Hash{7}
	for i := range 3 * PartSize {
		e := Entry{Message: h, At: 20_000 * 86400}
		binary.BigEndian.PutUint32(e.Mailbox[:], uint32(i/3))
		binary.BigEndian.PutUint64(e.ID[:], uint64(i))
		w.add(e)
		w.add(Entry{Message: Hash{byte(i), 1}, ID: e.ID, At: e.At})
	}
	for w.step(20_001) {
	}
	w.check(h, 20_001)
	if w.check(Hash{8}, 20_001); len(w.list()) != 1 {
		t.Errorf("%d runs", len(w.list()))
	}
	for _, i := range []uint32{0, 1, 700, PartSize - 1} {
		var box Box
		binary.BigEndian.PutUint32(box[:], i)
		n := 0
		Find(&place{s: w.shelf}, w.list()[0].Number, (&Entry{Message: h, Mailbox: box}).AppendKey(nil), func(raw []byte) bool {
			if e := Read(raw); e.Mailbox != box {
				return false
			}
			n++
			return true
		})
		if n != 3 {
			t.Errorf("mailbox %d has %d entries", i, n)
		}
	}
}

// A busy host: ten million e-mails a day for months have few runs. Only runs are planned here.
func TestPlan_busy(t *testing.T) {
	runs, most, written := []Run{}, 0, int64(0)
	next := uint32(1)
	const perDay = 800
	for day := 20_000; day < 20_110; day++ {
		for range perDay {
			runs = append(runs, Run{Number: next, First: day, Last: day, Entries: PartSize})
			next++
			for {
				j := Plan(runs, day)
				if j.Act == Rest {
					break
				}
				runs = slices.DeleteFunc(runs, func(r Run) bool {
					if slices.Contains(j.Run.Of, r.Number) {
						j.Run.Entries += r.Entries
						written += r.Entries
						return true
					}
					return j.Act == Retire && r.Number == j.Run.Number
				})
				if j.Act == Begin {
					j.Run.Number, j.Run.Of = next, nil
					next++
					runs = append(runs, j.Run)
				}
			}
			most = max(most, len(runs))
		}
	}
	if each := float64(written) / (110 * perDay * PartSize); most > 100 || each > 7 {
		t.Errorf("at most %d runs, each entry written %.1f times", most, each)
	} else {
		t.Logf("at most %d runs, each entry written %.1f times", most, each)
	}
}

// What Append writes is what Read reads, and it sorts by Message-ID and mailbox.
func TestEntry(t *testing.T) {
	e := Entry{Hash{1, 2}, Box{3}, [16]byte{4}, 5, 6, 7}
	if raw := e.Append(nil); len(raw) != Size || Read(raw) != e {
		t.Errorf("%x: %+v", raw, Read(raw))
	}
}
