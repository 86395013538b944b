package quota

import (
	"cmp"
	"math"
)

// Uncapped stands for no ceiling of overage, Endless for one that nothing reaches.
const (
	Uncapped = -1
	Endless  = math.MaxInt64
)

// Default is what happens at the limit where the account chooses nothing. Blocking is
// the last resort, so a yearly plan with prices for overage continues (M14).
func (p Plan) Default() AtLimit {
	if p.Bills() && p.Allows(Continue) || !p.Allows(Suspend) {
		return Continue
	}
	return Suspend
}

// Ceiling is how much overage an account may run up in a period that continues at
// the limit: own, which is set for the account, else what the plan says, else its
// largest block. A plan without blocks bills nothing and has none: Endless.
func (p Plan) Ceiling(own int64) int64 {
	most := cmp.Or(own, p.OverMax)
	if most == 0 {
		for _, b := range p.Blocks {
			most = max(most, b.Bytes)
		}
	}
	if most <= 0 {
		return Endless
	}
	return most
}

// MayOver is the overage that an account with these choices may run up: of one that
// suspends at the limit, or whose plan does not leave the choice, nothing.
func (p Plan) MayOver(limit AtLimit, own int64) int64 {
	if limit == "" {
		limit = p.Default()
	}
	if limit != Continue || !p.Allows(Continue) {
		return 0
	}
	return p.Ceiling(own)
}
