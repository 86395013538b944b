package quota

import (
	"strconv"
	"time"
)

const (
	yearMonths = 12                  // periods of a year's plan
	monthTime  = 30 * 24 * time.Hour // of a month's plan, at least (M13)
	monthKey   = "2006-01"
)

// Contract is one term that an account bought. JSON, in the account's list.
type Contract struct {
	Plan    Plan      `json:"plan"`              // as it was bought, or upgraded to
	Start   time.Time `json:"start"`             // UTC, included
	End     time.Time `json:"end"`               // UTC, excluded
	Key     string    `json:"key"`               // of its first period, "2026-11" or "2026-11-23"
	Day     int       `json:"day,omitempty"`     // of the month on which a year begins; 0: it was sold before years ended by the day, see WholeMonths
	Rest    bool      `json:"rest,omitempty"`    // its first month is the rest of that which the term before it ended in; false: a full one
	Again   int       `json:"again,omitempty"`   // 2: "-2" ends its first period's key, which was there before; 0: nothing does
	Copy    int       `json:"copy,omitempty"`    // 2: "-2" ends the keys of all its periods; 0: nothing does
	Invoice string    `json:"invoice,omitempty"` // it was bought with; "": none
}

// KeyUse tells which keys of periods the account has used already. first is for the key
// that names a term: one that names another term is used even if nothing was sent in it.
type KeyUse func(key string, first bool) bool

// NewContract is a term of plan p that starts at start. A year ends on the day
// before its anniversary in zone; the month it begins in is full, and a last month that
// is not whole has its share. A month ends at the first midnight in zone that is 30
// times 24 hours away: never less, and always at the end of a day.
func NewContract(p Plan, start time.Time, zone *time.Location, used KeyUse) Contract {
	y, m, d := start.In(zone).Date()
	if p.Term == Month {
		c := Contract{Plan: p, Start: start.UTC(), End: monthPlanEnd(start, zone), Key: start.In(zone).Format(time.DateOnly)}
		return c.withKeys(used)
	}
	return newYear(p, start, y, m, d, zone).withKeys(used)
}

// newYear begins on a date, which is that of start unless the operator's zone has
// changed since start was agreed on.
func newYear(p Plan, start time.Time, year int, month time.Month, day int, zone *time.Location) Contract {
	c := Contract{Plan: p, Start: start.UTC(), Key: monthName(year, month), Day: day}
	y, m, d := c.anniversary()
	c.End = dayStart(y, m, d, zone)
	return c
}

// WholeMonths is a year as it was sold before it ended by the day: to the end of its
// twelfth calendar month, all of them with a full allowance. Such terms run as sold.
func WholeMonths(p Plan, start time.Time, zone *time.Location) Contract {
	if p.Term == Month {
		return NewContract(p, start, zone, nil)
	}
	l := start.In(zone)
	return Contract{Plan: p, Start: start.UTC(), End: monthStart(l.Year(), l.Month()+yearMonths, zone), Key: monthName(l.Year(), l.Month())}
}

// withKeys gives the periods keys that are not used yet. As a rule only the first month's
// was, by the term before.
func (c Contract) withKeys(used KeyUse) Contract {
	if used == nil {
		return c
	}
	for i := 1; i < c.periods(); i++ {
		if used(c.key(i), false) {
			return c.withCopy(used)
		}
	}
	for n := 2; used(c.key(0), true); n++ {
		c.Again = n
	}
	return c
}

// withCopy gives all keys the same suffix.
func (c Contract) withCopy(used KeyUse) Contract {
	some := func() bool {
		for i := range c.periods() {
			if used(c.key(i), i == 0) {
				return true
			}
		}
		return false
	}
	for n := 2; some(); n++ {
		c.Copy = n
	}
	return c
}

func monthPlanEnd(start time.Time, zone *time.Location) time.Time {
	least := start.Add(monthTime)
	y, m, d := least.In(zone).Date()
	for ; ; d++ {
		if end := dayStart(y, m, d, zone); !end.Before(least) {
			return end
		}
	}
}

func monthName(year int, month time.Month) string {
	return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC).Format(monthKey)
}

// firstMonth of a year's contract. It comes from the key, so that the periods
// stay what they were if the operator moves to another zone.
func (c Contract) firstMonth() (year int, month time.Month) {
	if year, month, ok := parseMonth(c.Key); ok {
		return year, month
	}
	return c.Start.Year(), c.Start.Month() // not a contract of ours; its own month is the best there is
}

// parseMonth reads "2026-11". A period is looked up several times a message, for which
// time.Parse is slow.
func parseMonth(key string) (year int, month time.Month, ok bool) {
	if len(key) != len(monthKey) || key[4] != '-' {
		return 0, 0, false
	}
	for i := range len(key) {
		if i != 4 && (key[i] < '0' || key[i] > '9') {
			return 0, 0, false
		}
	}
	digit := func(i int) int { return int(key[i] - '0') }
	year = digit(0)*1000 + digit(1)*100 + digit(2)*10 + digit(3)
	month = time.Month(digit(5)*10 + digit(6))
	return year, month, month >= time.January && month <= time.December
}

// anniversary is the date on which a year's contract is over: one that began on a
// 29 February has its first on 1 March.
func (c Contract) anniversary() (year int, month time.Month, day int) {
	y, m := c.firstMonth()
	return time.Date(y+1, m, max(c.Day, 1), 0, 0, 0, 0, time.UTC).Date()
}

// periods is how many there are: twelve months, and one more for the days before the
// anniversary. (Of a year from 29 February the thirteenth is whole.)
func (c Contract) periods() int {
	switch {
	case c.Plan.Term == Month:
		return 1
	case c.Day > 1:
		return yearMonths + 1
	}
	return yearMonths
}

func (c Contract) key(i int) string {
	key := c.Key
	if c.Plan.Term != Month {
		year, month := c.firstMonth()
		key = monthName(year, month+time.Month(i))
	}
	if c.Copy > 0 {
		return key + "-" + strconv.Itoa(c.Copy)
	}
	if i == 0 && c.Again > 0 {
		return key + "-" + strconv.Itoa(c.Again)
	}
	return key
}

// turn is where period i starts and the one before it ends.
func (c Contract) turn(i int, zone *time.Location) time.Time {
	switch i {
	case 0:
		return c.Start
	case c.periods():
		return c.End
	}
	year, month := c.firstMonth()
	t := monthStart(year, month+time.Month(i), zone)
	if t.Before(c.Start) {
		return c.Start
	}
	if t.After(c.End) {
		return c.End
	}
	return t
}

func (c Contract) period(i int, zone *time.Location) Period {
	return Period{Key: c.key(i), Start: c.turn(i, zone), End: c.turn(i+1, zone), Last: i == c.periods()-1, Share: c.share(i)}
}

// Periods of the contract in order: they follow each other without a gap from
// its start to its end.
func (c Contract) Periods(zone *time.Location) []Period {
	all := make([]Period, c.periods())
	for i := range all {
		all[i] = c.period(i, zone)
	}
	return all
}

// FirstPeriod of the contract.
func (c Contract) FirstPeriod(zone *time.Location) Period { return c.period(0, zone) }

// TermKey names the contract in its account: the key of its first period.
func (c Contract) TermKey() string { return c.key(0) }

// Holds reports whether the contract runs at now.
func (c Contract) Holds(now time.Time) bool { return !now.Before(c.Start) && now.Before(c.End) }

// PeriodAt is the period that now falls into. ok is false before the contract's
// start and from its end on; the period is then the one nearest to now.
func (c Contract) PeriodAt(now time.Time, zone *time.Location) (p Period, ok bool) {
	i := 0
	if n := c.periods(); n > 1 {
		year, month := c.firstMonth()
		l := now.In(zone)
		i = min(max((l.Year()-year)*12+int(l.Month()-month), 0), n-1)
		// What the calendar says, the turns decide: a clock may go back over midnight.
		// What begins at the end, of a contract that was ended early, is none of its periods.
		for i > 0 && (now.Before(c.turn(i, zone)) || !c.turn(i, zone).Before(c.End)) {
			i--
		}
		for i < n-1 && !now.Before(c.turn(i+1, zone)) && c.turn(i+1, zone).Before(c.End) {
			i++
		}
	}
	return c.period(i, zone), c.Holds(now)
}

// Days of the contract, as dates in zone; the first and the last one count.
func (c Contract) Days(zone *time.Location) int64 {
	return max(lastNumber(c.End, zone)-dayNumber(c.Start, zone)+1, 1)
}

// DaysLeft is how many of them are left at now, today being one of them.
func (c Contract) DaysLeft(now time.Time, zone *time.Location) int64 {
	return min(max(lastNumber(c.End, zone)-dayNumber(now, zone)+1, 0), c.Days(zone))
}
