package quota

import "time"

// Period is one stretch of allowance. Usage is stored under its key.
type Period struct {
	Key   string    // "2026-11" for a calendar month, "2026-11-23" for 30 days from that day
	Start time.Time // UTC, included; of a contract's first period the contract's
	End   time.Time // UTC, excluded
	Last  bool      // the term ends with this period
}

// Terms are a plan as an account runs it that has one contract only.
type Terms struct {
	Plan      Plan
	Activated time.Time // zero: not active yet
	Zone      *time.Location
}

func (t Terms) contract() Contract { return NewContract(t.Plan, t.Activated, t.Zone, nil) }

// TermEnd is the first instant at which the account no longer sends, see NewContract.
func (t Terms) TermEnd() time.Time { return t.contract().End }

// PeriodAt is the period that now falls into. ok is false before activation
// and from the term's end on; the period is then the one nearest to now.
func (t Terms) PeriodAt(now time.Time) (p Period, ok bool) {
	p, ok = t.contract().PeriodAt(now, t.Zone)
	return p, ok && !t.Activated.IsZero()
}
