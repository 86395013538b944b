package quota

import "time"

// Period is one stretch of allowance. Usage is stored under its key.
type Period struct {
	Key   string    // "2026-11" for a calendar month, "2026-11-23" for 30 days from that day
	Start time.Time // UTC, included; of a contract's first period the contract's
	End   time.Time // UTC, excluded
	Last  bool      // the term ends with this period
	Share Share     // of the plan's allowance that it has
}

// Share of a month that two terms have: by days, as dates. What the first of them
// ends in is rounded up, the rest down, so that both have one allowance (M13).
type Share struct {
	Days, Of int64 // zero: all of it
	Rest     bool  // of the later term
}

// share of period i. It comes from the dates that were agreed on: a term that is
// ended early has its last month as it began.
func (c Contract) share(i int) Share {
	if c.Day < 2 || i > 0 && i < c.periods()-1 {
		return Share{}
	}
	if i > 0 {
		y, m, day := c.anniversary()
		if day < 2 {
			return Share{} // a whole month
		}
		return Share{Days: int64(day - 1), Of: daysIn(y, m)}
	}
	if !c.Rest {
		return Share{}
	}
	y, m := c.firstMonth()
	of := daysIn(y, m)
	return Share{Days: of - int64(c.Day-1), Of: of, Rest: true}
}

func daysIn(year int, month time.Month) int64 {
	return int64(time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day())
}

// Nothing stands in the place of a limit of which a share leaves nothing: 0 is no
// limit.
const Nothing = -1

// of a limit.
func (s Share) of(limit int64) int64 {
	if s.Of == 0 || limit <= 0 {
		return limit
	}
	whole, part := limit/s.Of*s.Days, limit%s.Of*s.Days // without overflow
	if !s.Rest {
		part += s.Of - 1
	}
	if n := whole + part/s.Of; n > 0 {
		return n
	}
	return Nothing
}

// In is the plan as it holds in a period: its limits are those of the period. An
// e-mail too many weighs what it does in the whole.
func (p Plan) In(period Period) Plan {
	if period.Share.Of == 0 {
		return p
	}
	p.Weight = p.EmailWeight()
	p.Emails, p.Bandwidth = period.Share.of(p.Emails), period.Share.of(p.Bandwidth)
	return p
}

// Limit as a number: Nothing is zero. ok is false where there is no limit.
func Limit(n int64) (limit int64, ok bool) { return max(n, 0), n != 0 }
