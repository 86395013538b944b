package delivered

import (
	"encoding/binary"
	"errors"
	"slices"

	json "github.com/go-json-experiment/json/v1"

	"relay/store/bucket"
	"relay/store/room"
	"relay/store/sent"
)

// trimStep is how many records or chunks a step deletes.
const trimStep = 512

// writePart writes a part as a run. A look-up that misses it in memory begins later than
// this transaction ended, and so finds the run.
func (x *Index) writePart(p *openPart) error {
	list := p.Sorted()
	return x.db.Grow(len(list), func(t room.Tx) error {
		r := sent.RunOfPart(nextRun(&t), list)
		var err error
		if r.Chunks, err = sent.Chunks(r.Number, 0, list, putChunk(&t)); err != nil {
			return err
		}
		t.OnCommit(func() { x.drop(p) })
		return errors.Join(putRun(&t, &r), t.Put(bucket.Meta, keyDone, recordKey(p.upto)))
	})
}

// trimOpen deletes some records that are in a run.
func (x *Index) trimOpen() (more bool, err error) {
	there := func(t *room.Tx) (keys [][]byte) {
		done := doneIn(t)
		c := t.Cursor(bucket.SentOpen)
		for k, _ := c.First(); k != nil && binary.BigEndian.Uint64(k) <= done && len(keys) < trimStep; k, _ = c.Next() {
			keys = append(keys, slices.Clone(k))
		}
		return keys
	}
	err = x.db.View(func(t room.Tx) error { more = len(there(&t)) > 0; return nil })
	if err != nil || !more {
		return false, err
	}
	return true, x.db.Update(0, func(t room.Tx) error {
		for _, k := range there(&t) {
			if err := t.Delete(bucket.SentOpen, k); err != nil {
				return err
			}
		}
		return nil
	})
}

// do does a job. Steps come one by one: the run is as it was when the job was planned.
func do(t *room.Tx, j *sent.Job, list []byte) error {
	r := j.Run
	switch j.Act {
	case sent.Begin:
		r.Number = nextRun(t)
	case sent.GoOn:
		done, err := r.Extend(list, putChunk(t))
		if err != nil {
			return err
		}
		for _, n := range done {
			if err := retire(t, n); err != nil {
				return err
			}
		}
	case sent.Retire:
		r.Gone = true
	case sent.Remove:
		return removeRun(t, r.Number)
	}
	return putRun(t, &r)
}

// retire takes a run out of use; its chunks are removed later.
func retire(t *room.Tx, number uint32) error {
	var r sent.Run
	there, err := t.Read(bucket.SentIndexOf, runKey(number), &r)
	if err != nil || !there {
		return err
	}
	r.Gone = true
	return putRun(t, &r)
}

// removeRun deletes some chunks of a run, and with the last ones the run.
func removeRun(t *room.Tx, number uint32) error {
	keys := sent.Some(t.Cursor(bucket.SentRuns), number, trimStep)
	for _, k := range keys {
		if err := t.Delete(bucket.SentRuns, k); err != nil {
			return err
		}
	}
	if len(keys) == trimStep {
		return nil
	}
	return t.Delete(bucket.SentIndexOf, runKey(number))
}

func putChunk(t *room.Tx) func(key, chunk []byte) error {
	return func(key, chunk []byte) error { return t.Put(bucket.SentRuns, key, chunk) }
}

func putRun(t *room.Tx, r *sent.Run) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return t.Put(bucket.SentIndexOf, runKey(r.Number), raw)
}

func runKey(number uint32) []byte { return binary.BigEndian.AppendUint32(nil, number) }

// nextRun is the number of the next run.
func nextRun(t *room.Tx) uint32 {
	k, _ := t.Cursor(bucket.SentIndexOf).Last()
	if len(k) != 4 {
		return 1
	}
	return binary.BigEndian.Uint32(k) + 1
}
