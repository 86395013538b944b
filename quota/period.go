package quota

import "time"

// monthDays is the length of a month's plan (M13).
const monthDays = 30

// Period is one stretch of allowance. Usage is stored under its key.
type Period struct {
	Key   string    // "2026-11" for a calendar month, "2026-11-23" for 30 days from that day
	Start time.Time // UTC, included
	End   time.Time // UTC, excluded
	Last  bool      // the term ends with this period
}

// Terms are a plan as an account runs it.
type Terms struct {
	Plan      Plan
	Activated time.Time // zero: not active yet
	Zone      *time.Location
}

// TermEnd is the first instant at which the account no longer sends. A year's
// term ends with its twelfth calendar month in the operator's zone; a month's
// 30 days after activation, to the second.
func (t Terms) TermEnd() time.Time {
	if t.Plan.Term == Month {
		return t.Activated.UTC().AddDate(0, 0, monthDays)
	}
	a := t.Activated.In(t.Zone)
	return monthStart(a.Year(), a.Month()+12, t.Zone)
}

// monthStart is the first instant of a month in zone: midnight, or what follows
// it where the clock skips it (Asuncion, 2023-10-01); time.Date is then early.
func monthStart(year int, month time.Month, zone *time.Location) time.Time {
	t := time.Date(year, month, 1, 0, 0, 0, 0, zone)
	if t.Day() != 1 {
		_, t = t.ZoneBounds()
	}
	return t.UTC()
}

// PeriodAt is the period that now falls into. ok is false before activation
// and from the term's end on; the period is then the one nearest to now.
func (t Terms) PeriodAt(now time.Time) (p Period, ok bool) {
	end := t.TermEnd()
	ok = !t.Activated.IsZero() && !now.Before(t.Activated) && now.Before(end)
	if t.Plan.Term == Month {
		return Period{Key: t.Activated.In(t.Zone).Format(time.DateOnly), Start: t.Activated.UTC(), End: end, Last: true}, ok
	}
	if now.Before(t.Activated) {
		now = t.Activated
	}
	if !now.Before(end) {
		now = end.Add(-time.Nanosecond)
	}
	l := now.In(t.Zone)
	next := monthStart(l.Year(), l.Month()+1, t.Zone)
	return Period{Key: l.Format("2006-01"), Start: monthStart(l.Year(), l.Month(), t.Zone), End: next, Last: !next.Before(end)}, ok
}
