package quota

import "time"

// BeforeEnd is how many days come before the last one, as dates in zone: 0 on the
// last day itself, below zero from the end on.
func (c Contract) BeforeEnd(now time.Time, zone *time.Location) int64 {
	return lastNumber(c.End, zone) - dayNumber(now, zone)
}

// Reached is the nearest of some steps, days before the last one, that has been
// reached at now. One that is not after the contract's first day is none: nobody is
// told of an end on the day that he buys. From the end on there is none.
func (c Contract) Reached(steps []int, now time.Time, zone *time.Location) (step int, ok bool) {
	left, all := c.BeforeEnd(now, zone), c.Days(zone)
	if !c.Holds(now) {
		return 0, false
	}
	for _, n := range steps {
		if int64(n) >= left && int64(n) < all-1 && (!ok || n < step) {
			step, ok = n, true
		}
	}
	return step, ok
}
