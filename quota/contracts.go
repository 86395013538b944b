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

// Find is the contract and the period that a key belongs to. The later periods of a
// contract that was ended early have no instant: a period that has one comes first.
func (l Contracts) Find(key string, zone *time.Location) (c Contract, p Period, ok bool) {
	for i := range l {
		for n := range l[i].periods() {
			if l[i].key(n) != key {
				continue
			}
			is := l[i].period(n, zone)
			if is.Start.Before(is.End) {
				return l[i], is, true
			}
			if !ok {
				c, p, ok = l[i], is, true
			}
		}
	}
	return c, p, ok
}

// Next is the contract that a renewal appends: it starts where the last one
// ends, or now if that is over. Without a gap between them a year has the rest of
// the month that the last one ended in (M13). Its keys differ from those of the
// contracts and from those in use (nil: no other).
func (l Contracts) Next(p Plan, now time.Time, zone *time.Location, inUse KeyUse) Contract {
	used := func(key string, first bool) bool {
		_, is, ok := l.Find(key, zone)
		return ok && (first || is.Start.Before(is.End)) || inUse != nil && inUse(key, first)
	}
	if len(l) == 0 {
		return NewContract(p, now, zone, used)
	}
	last := l[len(l)-1]
	if now.After(last.End) {
		return NewContract(p, now, zone, used)
	}
	if p.Term == Month {
		return NewContract(p, last.End, zone, used)
	}
	y, m, d := last.End.In(zone).Date()
	if now.Before(last.End) && last.Plan.Term != Month { // not ended early: its date, even if the operator's zone has changed
		y, m, d = last.anniversary()
	}
	c := newYear(p, last.End, y, m, d, zone)
	c.Rest = d > 1
	return c.withKeys(used)
}

// Before is the last period that was over when p began; one without a key: there is none.
func (l Contracts) Before(p Period, zone *time.Location) (before Period) {
	for i := range l {
		if !l[i].Start.Before(p.Start) {
			continue
		}
		for _, is := range l[i].Periods(zone) {
			if is.Start.Before(is.End) && !is.End.After(p.Start) && is.End.After(before.End) {
				before = is
			}
		}
	}
	return before
}
