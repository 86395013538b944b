// Package calendar reads cron's notation and says when it comes.
//
// A schedule goes by the wall clock of a zone. Where that is turned for summer time
// a time comes once: one that is left out comes when the clock is turned (02:30 at
// 03:00), one that comes twice counts the first time. What is due in every hour goes
// by the time that passes, and @every knows no wall clock.
package calendar

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Schedule says when something is due.
type Schedule interface {
	// Next is the first time after t, in t's zone; zero: never again.
	Next(t time.Time) time.Time
}

// least is how often something may be due by @every.
const least = time.Minute

// Parse reads five fields (minute, hour, day, month, weekday) or a word such as
// @daily or @every 90m. Sunday is 0 and 7. It refuses what never comes, what comes
// more often than once a minute, and what carries a zone of its own.
func Parse(s string) (Schedule, error) {
	if strings.Contains(s, "=") { // the library panics at some of these
		return nil, errors.New("it is in the operator's zone, and names none")
	}
	fields := strings.Fields(s)
	if len(fields) == 5 {
		days, err := weekdays(fields[4])
		if err != nil {
			return nil, err
		}
		fields[4] = days
		s = strings.Join(fields, " ")
	}
	parsed, err := cron.ParseStandard(s)
	if err != nil {
		return nil, err
	}
	if every, ok := parsed.(cron.ConstantDelaySchedule); ok && (every.Delay < least || tooShort(s)) {
		return nil, errors.New("once a minute is the most")
	}
	if parsed.Next(time.Now()).IsZero() {
		return nil, errors.New("that never comes")
	}
	if spec, ok := parsed.(*cron.SpecSchedule); ok && spec.Hour&everyHour != everyHour {
		return wall{spec}, nil
	}
	return parsed, nil
}

const everyHour = 1<<24 - 1 // a bit for each hour

// tooShort reports an @every under a minute, which the library rounds up.
func tooShort(s string) bool {
	_, text, _ := strings.Cut(s, "@every ")
	d, err := time.ParseDuration(strings.TrimSpace(text))
	return err == nil && d < least
}

// wall is a schedule that goes by the wall clock.
type wall struct{ spec *cron.SpecSchedule }

// Next implements Schedule. It looks for the time on a clock that is never turned,
// and for the instant at which the zone's shows it.
func (w wall) Next(t time.Time) time.Time {
	for shown := unturned(t); ; {
		if shown = w.spec.Next(shown); shown.IsZero() {
			return time.Time{}
		}
		if at := first(shown, t.Location()); at.After(t) { // else t is in the second of two passes
			return at
		}
	}
}

// unturned is what t's clock shows, as a time in UTC.
func unturned(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// first is the instant at which the zone's clock shows that time for the first time,
// or is turned past it.
func first(shown time.Time, zone *time.Location) time.Time {
	const far = 26 * time.Hour // more than any offset is
	before := shown.Add(-offset(shown.Add(-far).In(zone))).In(zone)
	after := shown.Add(-offset(shown.Add(far).In(zone))).In(zone)
	switch {
	case unturned(before).Equal(shown):
		return before
	case unturned(after).Equal(shown):
		return after
	}
	turned, _ := before.ZoneBounds()
	return turned
}

func offset(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}

// weekdays writes a field of weekdays with Sunday as 0, which the library knows
// only.
func weekdays(field string) (string, error) {
	var list []string
	for item := range strings.SplitSeq(field, ",") {
		days, step, stepped := strings.Cut(item, "/")
		from, to, ranged := strings.Cut(days, "-")
		lo, hi := weekday(from), weekday(to)
		if ranged && strings.EqualFold(to, "sun") && lo > 0 {
			hi = 7
		}
		if lo != 7 && hi != 7 {
			list = append(list, item)
			continue
		}
		if !ranged {
			hi = lo
		}
		by := 1
		if stepped {
			by, _ = strconv.Atoi(step)
		}
		if lo < 0 || hi < lo || by < 1 {
			return "", fmt.Errorf("%q names no weekdays", item)
		}
		for d := lo; d <= hi; d += by {
			list = append(list, strconv.Itoa(d%7))
		}
	}
	return strings.Join(list, ","), nil
}

// weekday is the number of one, Sunday being 0 or 7 as it is written; -1: it is none.
func weekday(s string) int {
	for n, name := range []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} {
		if strings.EqualFold(s, name) {
			return n
		}
	}
	if n, err := strconv.Atoi(s); err == nil && n >= 0 && n <= 7 {
		return n
	}
	return -1
}
