package delivered

import (
	"bytes"
	"errors"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
	"relay/store/sent"
)

// check proves the index, on one consistent state.
type check struct {
	t     *room.Tx
	each  func(b engine.Bucket, fn func(k, raw []byte)) error // walks a bucket
	fault func(format string, args ...any)
}

// Verify proves that the index is whole. Each run has the entries and chunks that it says, in order;
// each chunk is of a run; runs that are being made read runs that are there; names and numbers
// belong together. each walks a bucket, and fault is called for each fault.
func (x *Index) Verify(t *room.Tx, each func(b engine.Bucket, fn func(k, raw []byte)) error, fault func(format string, args ...any)) error {
	v := &check{t, each, fault}
	runs, err := runsIn(t)
	if err != nil {
		v.fault("%v", err)
		return nil
	}
	is := map[uint32]*sent.Run{}
	for i := range runs {
		is[runs[i].Number] = &runs[i]
	}
	for i := range runs {
		for _, n := range runs[i].Of {
			if is[n] == nil || !is[n].Live() {
				v.fault("run %d of the index of what was sent is made of run %d, which is not there", runs[i].Number, n)
			}
		}
	}
	return errors.Join(v.runs(is), v.names(), v.each(bucket.SentOpen, func(k, raw []byte) {
		if len(k) != 8 || len(raw)%sent.Size != 0 {
			v.fault("record %x of what was sent cannot be read", k)
		}
	}))
}

// runs: the chunks, each run in order.
func (v *check) runs(is map[uint32]*sent.Run) error {
	var last []byte
	at, chunks, entries := uint32(0), uint32(0), int64(0)
	end := func() {
		if r := is[at]; r != nil && !r.Gone && (r.Chunks != chunks || r.Entries != entries) {
			v.fault("run %d of the index of what was sent has %d entries in %d chunks, it says %d in %d", at, entries, chunks, r.Entries, r.Chunks)
		}
		delete(is, at)
	}
	err := v.each(bucket.SentRuns, func(k, raw []byte) {
		if len(k) != 16 || len(raw) == 0 || len(raw)%sent.Size != 0 || !bytes.Equal(k[4:12], raw[:8]) {
			v.fault("chunk %x of the index of what was sent cannot be read", k)
			return
		}
		if n := sent.RunOf(k); n != at {
			end()
			at, chunks, entries, last = n, 0, 0, nil
			if is[n] == nil {
				v.fault("chunk %x of the index of what was sent is of no run", k)
			}
		}
		for chunks++; len(raw) > 0; raw = raw[sent.Size:] {
			if entries++; bytes.Compare(last, raw[:sent.Size]) >= 0 && last != nil {
				v.fault("run %d of the index of what was sent is out of order", at)
			}
			last = append(last[:0], raw[:sent.Size]...)
		}
	})
	end()
	for n, r := range is {
		if !r.Gone && r.Chunks > 0 {
			v.fault("run %d of the index of what was sent has no chunks", n)
		}
	}
	return err
}

// names: each name has its number, and the number has the name.
func (v *check) names() error {
	return v.each(bucket.SentNames, func(k, raw []byte) {
		var back byte
		switch {
		case len(k) > 1 && k[0] == ownerByName && len(raw) == 8:
			back = ownerByNumber
		case len(k) > 1 && k[0] == wayByName && len(raw) == 8:
			back = wayByNumber
		case len(k) == 5 && (k[0] == ownerByNumber || k[0] == wayByNumber):
			return // an owner's may be empty
		default:
			v.fault("name %q of the index of what was sent cannot be read", k)
			return
		}
		if name := v.t.Get(bucket.SentNames, append([]byte{back}, raw[:4]...)); !bytes.Equal(name, k[1:]) {
			v.fault("name %q of the index of what was sent has the number of %q", k[1:], name)
		}
	})
}
