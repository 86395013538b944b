package store

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/spooled"
)

// ages counts the messages of the spool by when they came in (by their IDs), so that a look at
// the queue's age costs the same whatever its size. Bucket "meta", key "ages": uvarints, of each
// slot how far behind the one before it begins, and its count. Accept and the removal of a
// message count in their transaction, next to Totals.
//
// A slot is ten minutes, an hour once it is six hours old, and a day after a week: so there are
// some hundred at most while mail waits for days, and one or two as a rule.
type ages []ageSlot

type ageSlot struct{ begin, n int64 } // begin: in units since 1970

const (
	ageUnit    = 10 * time.Minute
	unitsHour  = int64(time.Hour / ageUnit)
	unitsDay   = 24 * unitsHour
	hourlyFrom = 6 * unitsHour
	dailyFrom  = 7 * unitsDay
)

func unitOf(at time.Time) int64 { return at.UnixMilli() / ageUnit.Milliseconds() }

// slotOf is where the slot begins that a unit belongs to.
func slotOf(unit, now int64) int64 {
	switch age := now - unit; {
	case age >= dailyFrom:
		return unit - unit%unitsDay
	case age >= hourlyFrom:
		return unit - unit%unitsHour
	}
	return unit
}

// add counts n more messages of that time.
func (a *ages) add(at, now time.Time, n int64) {
	begin := slotOf(unitOf(at), unitOf(now))
	i, found := slices.BinarySearchFunc(*a, begin, func(s ageSlot, begin int64) int { return int(s.begin - begin) })
	if !found {
		*a = slices.Insert(*a, i, ageSlot{begin: begin})
	}
	(*a)[i].n += n
}

// drop counts one less. A message is in the last slot that begins before it; if the clock was
// set that may be another one, but the sum stays right.
func (a *ages) drop(at time.Time) {
	unit, i := unitOf(at), 0
	for i+1 < len(*a) && (*a)[i+1].begin <= unit {
		i++
	}
	if i >= len(*a) {
		return
	}
	if (*a)[i].n--; (*a)[i].n <= 0 {
		*a = slices.Delete(*a, i, i+1)
	}
}

// merge makes slots larger that have become old.
func (a *ages) merge(now time.Time) {
	is := (*a)[:0]
	for _, s := range *a {
		s.begin = slotOf(s.begin, unitOf(now))
		if last := len(is) - 1; last >= 0 && is[last].begin >= s.begin {
			is[last].n += s.n
			continue
		}
		is = append(is, s)
	}
	*a = is
}

// messages of all slots.
func (a ages) messages() (sum int64) {
	for _, s := range a {
		sum += s.n
	}
	return sum
}

func (a ages) append(b []byte) []byte {
	before := int64(0)
	for _, s := range a {
		b = binary.AppendUvarint(b, uint64(s.begin-before))
		b = binary.AppendUvarint(b, uint64(s.n))
		before = s.begin
	}
	return b
}

func readAges(raw []byte) (a ages, err error) {
	before := int64(0)
	for len(raw) > 0 {
		behind, n := binary.Uvarint(raw)
		if n <= 0 {
			return nil, errNoAges
		}
		count, m := binary.Uvarint(raw[n:])
		if m <= 0 {
			return nil, errNoAges
		}
		before += int64(behind)
		a = append(a, ageSlot{before, int64(count)})
		raw = raw[n+m:]
	}
	return a, nil
}

var errNoAges = fmt.Errorf("decode meta %q: it is no count of messages by age", keyAges)

// ages as this transaction sees them. They are written with it.
func (t *SpoolTx) ages() *ages {
	sc := t.scratch()
	if sc.ages == nil {
		a, err := readAges(t.Get(bucket.Meta, keyAges))
		if err != nil { // it must not start again from zero
			t.Fail(err)
			return &ages{}
		}
		sc.ages = &a
	}
	return sc.ages
}

// keepAges writes what a transaction has counted.
func keepAges(b *engine.Tx, a *ages, now time.Time) error {
	if a == nil {
		return nil
	}
	a.merge(now)
	return b.Put(bucket.Meta, keyAges, a.append([]byte{}))
}

// countAges counts the spool of a store that an earlier relay has written, once.
func (s *Spool) countAges(readOnly bool) error {
	counted := false
	err := s.view(func(t *SpoolTx) error { counted = t.Get(bucket.Meta, keyAges) != nil; return nil })
	if err != nil || counted || readOnly {
		return err
	}
	return s.update(0, func(t *SpoolTx) error {
		a := ages{}
		c := t.Cursor(bucket.Messages)
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			a.add(spooled.ID(k).Timestamp(), t.Wall, 1)
		}
		t.scratch().ages = &a
		t.Touch()
		return nil
	})
}

// Ages are how many messages of the spool came in at most so long ago: of each bound, those
// above the one before it, and last those above all. A message counts as old as the beginning
// of its slot. oldest is when the first of them came in; zero: there is none.
func (s *Spool) Ages(bounds ...time.Duration) (counts []int64, oldest time.Time, err error) {
	err = s.view(func(t *SpoolTx) error {
		counts, oldest = make([]int64, len(bounds)+1), time.Time{}
		if k, _ := t.Cursor(bucket.Messages).First(); k != nil {
			oldest = spooled.ID(k).Timestamp()
		}
		a, err := readAges(t.Get(bucket.Meta, keyAges))
		for _, slot := range a {
			age, i := t.Wall.Sub(time.UnixMilli(slot.begin*ageUnit.Milliseconds())), 0
			for i < len(bounds) && age > bounds[i] {
				i++
			}
			counts[i] += slot.n
		}
		return err
	})
	return counts, oldest, err
}
