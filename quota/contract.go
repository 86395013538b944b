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
	Copy    int       `json:"copy,omitempty"`    // 2: "-2" ends its periods' keys; 0: nothing does
	Invoice string    `json:"invoice,omitempty"` // it was bought with; "": none
}

// NewContract is a term of plan p that starts at start. A year ends with its
// twelfth calendar month in zone, the month of start being the first and full.
// A month ends at the first midnight in zone that is 30 times 24 hours away:
// never less, and always at the end of a day.
// taken tells which keys of periods the account has used already (nil: none).
func NewContract(p Plan, start time.Time, zone *time.Location, taken func(key string) bool) Contract {
	l := start.In(zone)
	if p.Term == Month {
		return newContract(p, start, monthPlanEnd(start, zone), l.Format(time.DateOnly), taken)
	}
	return newYear(p, start, l.Year(), l.Month(), zone, taken)
}

func newYear(p Plan, start time.Time, year int, month time.Month, zone *time.Location, taken func(string) bool) Contract {
	key := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC).Format(monthKey)
	return newContract(p, start, monthStart(year, month+yearMonths, zone), key, taken)
}

func newContract(p Plan, start, end time.Time, key string, taken func(string) bool) Contract {
	c := Contract{Plan: p, Start: start.UTC(), End: end, Key: key}
	if taken == nil {
		return c
	}
	for n := 2; c.anyKey(taken); n++ {
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

func (c Contract) anyKey(is func(string) bool) bool {
	for i := range c.periods() {
		if is(c.key(i)) {
			return true
		}
	}
	return false
}

// periods is how many there are.
func (c Contract) periods() int {
	if c.Plan.Term == Month {
		return 1
	}
	return yearMonths
}

// firstMonth of a year's contract. It comes from the key, so that the periods
// stay what they were if the operator moves to another zone.
func (c Contract) firstMonth() (year int, month time.Month) {
	t, err := time.Parse(monthKey, c.Key)
	if err != nil {
		t = c.Start // not a contract of ours; its own month is the best there is
	}
	return t.Year(), t.Month()
}

func (c Contract) key(i int) string {
	key := c.Key
	if c.Plan.Term != Month {
		year, month := c.firstMonth()
		key = time.Date(year, month+time.Month(i), 1, 0, 0, 0, 0, time.UTC).Format(monthKey)
	}
	if c.Copy > 0 {
		key += "-" + strconv.Itoa(c.Copy)
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
	return Period{Key: c.key(i), Start: c.turn(i, zone), End: c.turn(i+1, zone), Last: i == c.periods()-1}
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
