package spool

import (
	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
	"relay/store/spooled"
)

// scratch is what the requests of one transaction change again and again: counters, and the heads of
// lanes. Flush writes it once, before the commit.
type scratch struct {
	heads  map[string]int64 // by lane: the due time under which it lies in bucket "due", in ms; NoHead: nowhere
	totals *Totals
	ages   *spooled.Ages // nil: they have not changed
}

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
