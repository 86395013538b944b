package spool

import (
	"time"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
	"relay/store/spooled"
)

var keyAges = []byte("ages") // in bucket "meta"

// ages as this transaction sees them. They are written with it.
func (t *Tx) ages() *spooled.Ages {
	sc := t.scratch()
	if sc.ages == nil {
		a, err := spooled.ReadAges(t.Get(bucket.Meta, keyAges))
		if err != nil { // the counts must not start again from zero
			t.Fail(err)
			return &spooled.Ages{}
		}
		sc.ages = &a
	}
	return sc.ages
}

// keepAges writes what a transaction has counted.
func keepAges(b *engine.Tx, a *spooled.Ages, now time.Time) error {
	if a == nil {
		return nil
	}
	a.Merge(now)
	return b.Put(bucket.Meta, keyAges, a.Append([]byte{}))
}

// countAges counts the messages of a store whose relay did not count them by age, once.
func (s *Spool) countAges(readOnly bool) error {
	counted := false
	err := s.view(func(t *Tx) error { counted = t.Get(bucket.Meta, keyAges) != nil; return nil })
	if err != nil || counted || readOnly {
		return err
	}
	return s.update(0, func(t *Tx) error {
		a := spooled.Ages{}
		c := t.Cursor(bucket.Messages)
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			a.Add(spooled.ID(k).Timestamp(), t.Wall, 1)
		}
		t.scratch().ages = &a
		t.Touch()
		return nil
	})
}

// Ages counts the messages of the spool by age. For each bound it returns how many are at most that old
// and older than the bound before it, and last how many are older than all bounds. A message counts as
// old as the beginning of its slot. oldest is when the first of them came in; zero: there is none.
func (s *Spool) Ages(bounds ...time.Duration) (counts []int64, oldest time.Time, err error) {
	err = s.view(func(t *Tx) error {
		oldest = time.Time{}
		if k, _ := t.Cursor(bucket.Messages).First(); k != nil {
			oldest = spooled.ID(k).Timestamp()
		}
		a, err := spooled.ReadAges(t.Get(bucket.Meta, keyAges))
		counts = a.Counts(t.Wall, bounds)
		return err
	})
	return counts, oldest, err
}

// AgesIn are the counts by age as they are stored.
func AgesIn(t *room.Tx) (spooled.Ages, error) { return spooled.ReadAges(t.Get(bucket.Meta, keyAges)) }
