package quota

import (
	"fmt"
	"time"
)

// UpgradeQuote is what an upgrade costs, line by line.
type UpgradeQuote struct {
	From, To   string // plans
	Days       int64  // of the term
	Left       int64  // of them, from the first one of the period that runs
	Difference int64  // in price for a whole term, minor units
	Amount     int64  // Difference × Left ÷ Days, half away from zero
	Contract   Contract
}

// Upgrade quotes a larger plan for what remains of contract c (M18): from the start
// of the period that runs, for all of which the larger allowance holds. So nobody
// buys a month's allowance for the price of its last day. Days are dates in zone.
// The quote's Contract is c with the new plan: same term, same periods; use and
// credit go on. Of a contract that has not started all days are left. It is refused,
// with a *Refusal beside what figures there are, unless the plan is of the same kind
// and term, allows more, costs no less and is sold.
func Upgrade(c Contract, to Plan, now time.Time, zone *time.Location) (UpgradeQuote, error) {
	from := now
	if p, ok := c.PeriodAt(now, zone); ok {
		from = p.Start
	}
	q := UpgradeQuote{From: c.Plan.Name, To: to.Name, Days: c.Days(zone), Left: c.DaysLeft(from, zone), Contract: c}
	q.Contract.Plan = to
	q.Difference = to.Price - c.Plan.Price
	var err error
	if q.Amount, err = mulDiv(q.Difference, q.Left, q.Days); err != nil {
		return q, fmt.Errorf("upgrade to %s: %w", to.Name, err)
	}
	return q, upgradable(c, to, now).err()
}

func upgradable(c Contract, to Plan, now time.Time) *Refusal {
	r := &Refusal{Order: "upgrade"}
	from := c.Plan
	add := func(bad bool, why Why) { r.add(bad, Reason{Why: why, From: from, To: to}) }
	add(!now.Before(c.End), WhyEnded)
	add(to.Retired, WhyRetired)
	add(from.Kind() != to.Kind(), WhyKind)
	add(from.Term != to.Term, WhyTerm)
	add(from.Kind() == to.Kind() && !allowsMore(from, to), WhySmaller)
	add(to.Price < from.Price, WhyCheaper)
	return r
}

// allowsMore reports whether to allows more than from in one way and no less in the other.
func allowsMore(from, to Plan) bool {
	emails, bytes := compareLimits(to.Emails, from.Emails), compareLimits(to.Bandwidth, from.Bandwidth)
	return emails >= 0 && bytes >= 0 && emails+bytes > 0
}

// compareLimits knows that 0 is no limit.
func compareLimits(a, b int64) int {
	switch {
	case a == b:
		return 0
	case a == 0 || (b != 0 && a > b):
		return 1
	}
	return -1
}
