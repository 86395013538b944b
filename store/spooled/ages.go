package spooled

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"
)

// Ages counts the messages of the spool by when they came in (by their IDs), so that a look at
// the queue's age costs the same whatever its size. Bucket "meta", key "ages": uvarints, of each
// slot how far behind the one before it begins, and its count. Accept and the removal of a
// message count in their transaction, next to Totals.
//
// A slot lasts ten minutes, an hour once it is six hours old, and a day once it is a week old. So
// there are a few hundred at most while mail waits for days, and one or two as a rule.
type Ages []ageSlot

type ageSlot struct{ begin, n int64 } // begin: in units since 1970

const (
	ageUnit    = 10 * time.Minute
	unitsHour  = int64(time.Hour / ageUnit)
	unitsDay   = 24 * unitsHour
	hourlyFrom = 6 * unitsHour
	dailyFrom  = 7 * unitsDay
)

func unitOf(at time.Time) int64 { return at.UnixMilli() / ageUnit.Milliseconds() }

// slotOf is where the slot of a unit begins.
func slotOf(unit, now int64) int64 {
	switch age := now - unit; {
	case age >= dailyFrom:
		return unit - unit%unitsDay
	case age >= hourlyFrom:
		return unit - unit%unitsHour
	}
	return unit
}

// Add counts n more messages of that time.
func (a *Ages) Add(at, now time.Time, n int64) {
	begin := slotOf(unitOf(at), unitOf(now))
	i, found := slices.BinarySearchFunc(*a, begin, func(s ageSlot, begin int64) int { return int(s.begin - begin) })
	if !found {
		*a = slices.Insert(*a, i, ageSlot{begin: begin})
	}
	(*a)[i].n += n
}

// Drop counts one message of that time less. It takes it from the last slot that begins before it. If
// the clock was set that may be the wrong slot, but the sum stays right.
func (a *Ages) Drop(at time.Time) {
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

// Merge joins slots that have become old into larger ones.
func (a *Ages) Merge(now time.Time) {
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

// Messages of all slots.
func (a Ages) Messages() (sum int64) {
	for _, s := range a {
		sum += s.n
	}
	return sum
}

// Append writes the counts behind b.
func (a Ages) Append(b []byte) []byte {
	before := int64(0)
	for _, s := range a {
		b = binary.AppendUvarint(b, uint64(s.begin-before))
		b = binary.AppendUvarint(b, uint64(s.n))
		before = s.begin
	}
	return b
}

// ReadAges reads what Append wrote.
func ReadAges(raw []byte) (a Ages, err error) {
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

var errNoAges = errors.New(`decode meta "ages": it is no count of messages by age`)

// Counts sorts the messages by their age at now. For each bound it returns how many are at most that
// old and older than the bound before it, and last how many are older than all bounds.
func (a Ages) Counts(now time.Time, bounds []time.Duration) []int64 {
	counts := make([]int64, len(bounds)+1)
	for _, slot := range a {
		age, i := now.Sub(time.UnixMilli(slot.begin*ageUnit.Milliseconds())), 0
		for i < len(bounds) && age > bounds[i] {
			i++
		}
		counts[i] += slot.n
	}
	return counts
}
