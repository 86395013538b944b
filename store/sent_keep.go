package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	json "github.com/go-json-experiment/json/v1"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/sent"
)

// The keeper is one goroutine that lives while there is something to do in the index of what
// was sent. Each step is a small transaction and leaves a state from which the next one goes
// on, also after a crash:
//
//  1. a part that is full, or of a day that is over, is written as a run, and its records
//     count no more; they are deleted after that;
//  2. sent.Plan says which runs are merged or removed.
//
// What a merge reads never changes, so it is read outside of the writer.

// sentTrim is how many records or chunks a step deletes.
const sentTrim = 512

// keepIndex starts the keeper if a part is to become a run.
func (s *Store) keepIndex() {
	if s.sent.due(sentDay(s.Past())) {
		s.keepIndexNow()
	}
}

// due reports whether the oldest part is to become a run.
func (x *sentIndex) due(today int) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	p := x.parts[0]
	return p.Full() || p.Len() > 0 && p.Day() < today
}

// keepIndexNow starts the keeper unless it is at work.
func (s *Store) keepIndexNow() {
	x := &s.sent
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.busy && !x.closed {
		x.busy = true
		x.keeper.Go(s.keeper)
	}
}

// stop ends the keeper.
func (x *sentIndex) stop() {
	x.mu.Lock()
	x.closed = true
	x.mu.Unlock()
	x.keeper.Wait()
}

// keeper works until there is nothing to do, or with the store. After a failure it waits for
// the next part.
func (s *Store) keeper() {
	x := &s.sent
	for {
		more, err := s.keepStep()
		if err != nil && !errors.Is(err, engine.ErrClosed) {
			s.quiet.Often(slog.LevelWarn, "", "the index of what was sent is not kept in order; the next part tries again",
				slog.String("component", "store"), slog.Any("err", err))
		}
		if more && err == nil {
			continue
		}
		x.mu.Lock()
		p := x.parts[0]
		again := err == nil && !x.closed && p.Full()
		x.busy = again
		x.mu.Unlock()
		if !again {
			return
		}
	}
}

// keepStep does one thing, and reports whether there may be more to do.
func (s *Store) keepStep() (more bool, err error) {
	select {
	case <-s.db.Stopping():
		return false, nil
	default:
	}
	today := sentDay(s.Past())
	if p := s.sent.take(today); p != nil {
		return true, s.writePart(p)
	}
	if more, err := s.trimOpen(); more || err != nil {
		return true, err
	}
	var job sent.Job
	var list []byte
	began := time.Now()
	err = s.view(func(t *tx) error {
		runs, err := t.sentIndex()
		if err != nil {
			return err
		}
		if job = sent.Plan(runs, today); job.Act == sent.GoOn {
			list = sent.Take(func() sent.Cursor { return t.Cursor(bucket.SentRuns) }, job.Run.Of, job.Run.After)
		}
		return nil
	})
	if err != nil || job.Act == sent.Rest {
		return false, err
	}
	if job.Act == sent.Begin || job.Act == sent.GoOn {
		err = s.grow(len(list), func(t *tx) error { return t.keep(&job, list) })
	} else {
		err = s.update(0, func(t *tx) error { return t.keep(&job, nil) })
	}
	if err == nil && job.Run.Tier >= sent.TierDay {
		s.rest(time.Since(began))
	}
	return true, err
}

// rest gives others the disk for as long as a step of a long merge took.
func (s *Store) rest(d time.Duration) {
	timer := time.NewTimer(min(d, time.Second))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.db.Stopping():
	}
}

// take returns the oldest part if it is to become a run. It grows no more.
func (x *sentIndex) take(today int) *openPart {
	x.mu.Lock()
	defer x.mu.Unlock()
	p := x.parts[0]
	if !p.Full() && (p.Len() == 0 || p.Day() >= today) {
		return nil
	}
	if len(x.parts) == 1 {
		x.parts = append(x.parts, &openPart{})
	}
	return p
}

// drop takes a part out of memory that is a run now.
func (x *sentIndex) drop(p *openPart) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.parts = slices.DeleteFunc(x.parts, func(o *openPart) bool { return o == p })
}

// writePart writes a part as a run. A look-up that misses it in memory begins later than
// this transaction ended, and so finds the run.
func (s *Store) writePart(p *openPart) error {
	list := p.Sorted()
	return s.grow(len(list), func(t *tx) error {
		r := sent.RunOfPart(t.nextRun(), list)
		var err error
		if r.Chunks, err = sent.Chunks(r.Number, 0, list, t.putChunk); err != nil {
			return err
		}
		t.OnCommit(func() { s.sent.drop(p) })
		return errors.Join(t.putRun(&r), t.Put(bucket.Meta, keySentDone, binary.BigEndian.AppendUint64(nil, p.upto)))
	})
}

// trimOpen deletes some records that are in a run.
func (s *Store) trimOpen() (more bool, err error) {
	there := func(t *tx) (keys [][]byte) {
		done := t.sentDone()
		c := t.Cursor(bucket.SentOpen)
		for k, _ := c.First(); k != nil && binary.BigEndian.Uint64(k) <= done && len(keys) < sentTrim; k, _ = c.Next() {
			keys = append(keys, slices.Clone(k))
		}
		return keys
	}
	err = s.view(func(t *tx) error { more = len(there(t)) > 0; return nil })
	if err != nil || !more {
		return false, err
	}
	return true, s.update(0, func(t *tx) error {
		for _, k := range there(t) {
			if err := t.Delete(bucket.SentOpen, k); err != nil {
				return err
			}
		}
		return nil
	})
}

// keep does a job. The keeper is alone: the run is as it was when the job was planned.
func (t *tx) keep(j *sent.Job, list []byte) error {
	r := j.Run
	switch j.Act {
	case sent.Begin:
		r.Number = t.nextRun()
	case sent.GoOn:
		done, err := r.Extend(list, t.putChunk)
		if err != nil {
			return err
		}
		for _, n := range done {
			if err := t.retire(n); err != nil {
				return err
			}
		}
	case sent.Retire:
		r.Gone = true
	case sent.Remove:
		return t.removeRun(r.Number)
	}
	return t.putRun(&r)
}

// retire takes a run out of use; its chunks are removed later.
func (t *tx) retire(number uint32) error {
	var r sent.Run
	there, err := t.Read(bucket.SentIndexOf, runKey(number), &r)
	if err != nil || !there {
		return err
	}
	r.Gone = true
	return t.putRun(&r)
}

// removeRun deletes some chunks of a run, and with the last ones the run.
func (t *tx) removeRun(number uint32) error {
	keys := sent.Some(t.Cursor(bucket.SentRuns), number, sentTrim)
	for _, k := range keys {
		if err := t.Delete(bucket.SentRuns, k); err != nil {
			return err
		}
	}
	if len(keys) == sentTrim {
		return nil
	}
	return t.Delete(bucket.SentIndexOf, runKey(number))
}

func (t *tx) putChunk(key, chunk []byte) error { return t.Put(bucket.SentRuns, key, chunk) }

func (t *tx) putRun(r *sent.Run) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return t.Put(bucket.SentIndexOf, runKey(r.Number), raw)
}

func runKey(number uint32) []byte { return binary.BigEndian.AppendUint32(nil, number) }

// nextRun is the number of the next run.
func (t *tx) nextRun() uint32 {
	k, _ := t.Cursor(bucket.SentIndexOf).Last()
	if len(k) != 4 {
		return 1
	}
	return binary.BigEndian.Uint32(k) + 1
}

// sentIndex is the list of runs.
func (t *tx) sentIndex() (list []sent.Run, err error) {
	c := t.Cursor(bucket.SentIndexOf)
	for k, raw := c.First(); k != nil; k, raw = c.Next() {
		var r sent.Run
		if err := json.Unmarshal(raw, &r); err != nil {
			return nil, fmt.Errorf("decode sent-index %x: %w", k, err)
		}
		list = append(list, r)
	}
	return list, nil
}
