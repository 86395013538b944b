package sent

import "bytes"

// StepSize is how many entries a step of a merge takes: some whole chunks.
const StepSize = 40 * chunkEntries

// stream reads a run in order.
type stream struct {
	c     Cursor
	run   uint32
	chunk []byte // what is left of the present one; empty: nothing is left of the run
}

// begin moves to the first entry that comes after another one; nil: to the first of all.
func (s *stream) begin(after []byte) {
	h := Hash{}
	if after != nil {
		h = Hash(after)
	}
	_, s.chunk = floor(s.c, s.run, h)
	for after != nil && len(s.chunk) > 0 && bytes.Compare(s.chunk[:Size], after) <= 0 {
		s.next()
	}
}

// next moves to the next entry.
func (s *stream) next() {
	if s.chunk = s.chunk[Size:]; len(s.chunk) > 0 {
		return
	}
	if k, v := s.c.Next(); k != nil && RunOf(k) == s.run {
		s.chunk = v
	}
}

// Take reads the entries of runs that come after another one, in order: StepSize of them, or
// fewer at the end. after is nil at the beginning. cursor makes a new cursor.
func Take(cursor func() Cursor, runs []uint32, after []byte) (list []byte) {
	all := make([]*stream, 0, len(runs))
	for _, run := range runs {
		s := &stream{c: cursor(), run: run}
		if s.begin(after); len(s.chunk) > 0 {
			all = append(all, s)
		}
	}
	list = make([]byte, 0, StepSize*Size)
	for len(all) > 0 && len(list) < StepSize*Size {
		least := 0
		for i := 1; i < len(all); i++ {
			if bytes.Compare(all[i].chunk[:Size], all[least].chunk[:Size]) < 0 {
				least = i
			}
		}
		s := all[least]
		list = append(list, s.chunk[:Size]...)
		if s.next(); len(s.chunk) == 0 {
			all = append(all[:least], all[least+1:]...)
		}
	}
	return list
}

// Extend puts the next entries of a run that is being made, as Take read them. With the last
// ones the run is whole, and those that it was made from are done with.
func (r *Run) Extend(list []byte, put func(key, chunk []byte) error) (done []uint32, err error) {
	n, err := Chunks(r.Number, r.Chunks, list, put)
	if err != nil {
		return nil, err
	}
	r.Chunks += n
	r.Entries += int64(len(list) / Size)
	if len(list) < StepSize*Size {
		done, r.Of, r.After = r.Of, nil, nil
		return done, nil
	}
	r.After = bytes.Clone(list[len(list)-Size:])
	return nil, nil
}

// Some are the keys of the first chunks of a run, n at most.
func Some(c Cursor, run uint32, n int) (keys [][]byte) {
	for k, _ := c.Seek(Key(run, Hash{}, 0)); k != nil && RunOf(k) == run && len(keys) < n; k, _ = c.Next() {
		keys = append(keys, bytes.Clone(k))
	}
	return keys
}
