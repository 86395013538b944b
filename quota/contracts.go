package quota

import "time"

// Contracts are what an account bought, in the order of their terms.
type Contracts []Contract

// At is the contract and the period that now falls into. Where none does, ok is
// false and they are the nearest: the last that has ended, else the first to
// come. An account without contracts has neither.
func (l Contracts) At(now time.Time, zone *time.Location) (c Contract, p Period, ok bool) {
	i := l.Index(now)
	if i < 0 {
		return c, p, false
	}
	p, ok = l[i].PeriodAt(now, zone)
	return l[i], p, ok
}

// Index of the contract that At finds; -1 where there is none.
func (l Contracts) Index(now time.Time) int {
	for i := len(l) - 1; i >= 0; i-- {
		if !now.Before(l[i].Start) {
			return i
		}
	}
	return min(len(l)-1, 0)
}

// Find is the contract and the period that a key belongs to.
func (l Contracts) Find(key string, zone *time.Location) (c Contract, p Period, ok bool) {
	for _, c := range l {
		for i := range c.periods() {
			if c.key(i) == key {
				return c, c.period(i, zone), true
			}
		}
	}
	return c, p, false
}

// Next is the contract that a renewal appends: it starts where the last one
// ends, or now if that is over. Its keys differ from those of the contracts and
// from those that taken names (nil: no other).
func (l Contracts) Next(p Plan, now time.Time, zone *time.Location, taken func(key string) bool) Contract {
	used := func(key string) bool {
		_, _, ok := l.Find(key, zone)
		return ok || taken != nil && taken(key)
	}
	if len(l) == 0 {
		return NewContract(p, now, zone, used)
	}
	last := l[len(l)-1]
	if !now.Before(last.End) {
		return NewContract(p, now, zone, used)
	}
	if p.Term == Month || last.Plan.Term == Month {
		return NewContract(p, last.End, zone, used)
	}
	// Year after year: the thirteenth month, even if the operator's zone has changed.
	year, month := last.firstMonth()
	return newYear(p, last.End, year, month+yearMonths, zone, used)
}
