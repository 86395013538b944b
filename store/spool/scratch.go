package spool

import (
	"time"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
	"relay/store/spooled"
)

// scratch is what the requests of one transaction change again and again:
// counters, and the heads of lanes. flush writes it once, before the commit.
type scratch struct {
	heads  map[string]int64 // lane -> due time under which it lies in bucket "due", in ms; NoHead: nowhere
	totals *Totals
	ages   *spooled.Ages // of the spool; nil: they have not changed
}

// NoHead is the head of a lane of which nothing is due.
const NoHead = int64(-1)

var scratchKey engine.Key[scratch]

func (t *Tx) scratch() *scratch {
	sc := scratchKey.In(t.Tx.Tx)
	if sc.heads == nil {
		sc.heads = map[string]int64{}
	}
	return sc
}

// Flush writes the scratch of a transaction.
func (s *Spool) Flush(b *engine.Tx) error {
	sc := scratchKey.Of(b)
	if sc == nil {
		return nil
	}
	t := room.Tx{Tx: b}
	if sc.totals != nil {
		if err := t.Write(bucket.Meta, keyTotals, sc.totals); err != nil {
			return err
		}
	}
	if err := keepAges(b, sc.ages, s.db.Wall()); err != nil {
		return err
	}
	for lane, was := range sc.heads {
		if err := moveHead(b, []byte(lane), was); err != nil {
			return err
		}
	}
	return nil
}

// touch notes where the lane lies in bucket "due" before its first change.
func (t *Tx) touch(lane []byte) {
	sc := t.scratch()
	if _, ok := sc.heads[string(lane)]; !ok {
		sc.heads[string(lane)] = HeadOf(t.Tx.Tx, lane)
	}
}

// HeadOf is the due time of a lane's first message in ms. What is held or parked is
// never due: it counts as NoHead.
func HeadOf(b *engine.Tx, lane []byte) int64 {
	k, _ := b.Cursor(bucket.Queue).Seek(lane)
	if !room.HasPrefix(k, lane) || len(k) < len(lane)+8 {
		return NoHead
	}
	ms := room.ParseTime(k[len(lane):]).UnixMilli()
	if ms >= spooled.Never.UnixMilli() || isParked(b, lane) {
		return NoHead
	}
	return ms
}

func moveHead(b *engine.Tx, lane []byte, was int64) error {
	is := HeadOf(b, lane)
	if is == was {
		return nil
	}
	if was != NoHead {
		if err := b.Delete(bucket.Due, spooled.DueKey(time.UnixMilli(was), lane)); err != nil {
			return err
		}
	}
	if is == NoHead {
		return nil
	}
	return b.Put(bucket.Due, spooled.DueKey(time.UnixMilli(is), lane), []byte{})
}
