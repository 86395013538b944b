// Package outlook says on which day an account's allowance runs out if it goes on as before.
// It is pure.
//
//  1. Each weekday has its own pace: the mean of what it used before, drawn towards the mean of
//     all days where there are few of them. A shop that sends on Tuesdays is expected to
//     send on Tuesdays.
//  2. From now on the paces are added up until the allowance is reached. That is the day.
//  3. The range has four of five outcomes, if days differ from their pace as they did before
//     and independently of each other: over n days that grows with the root of n.
package outlook

import (
	"math"
	"time"
)

// Day is what was used on a day.
type Day struct {
	Day  string // "2026-11-29"
	Used int64  // in units of the allowance
}

const (
	reach  = 56   // days before today that count
	least  = 3    // days that are needed
	drawn  = 1    // days of the mean that are added to each weekday's own
	fifths = 1.28 // standard deviations on either side of the middle that have four fifths of all outcomes
)

// Of returns the day on which used reaches allowance: the beginning of that day, in now's
// zone. earliest and latest are its range; latest is zero if it may not be reached before end
// at all. days are those with use, in any order; today and those to come do not count. ok is
// false if the allowance is not expected to run out before end, has run out already, or too
// few days are known.
func Of(days []Day, now, end time.Time, used, allowance int64) (day, earliest, latest time.Time, ok bool) {
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	p, known := patternOf(days, today)
	left := float64(allowance) - float64(used)
	if !known || left <= 0 {
		return day, earliest, latest, false
	}
	var sum, variance float64
	rest := 1.0 // of the day
	for at := today; at.Before(end); {
		next := time.Date(at.Year(), at.Month(), at.Day()+1, 0, 0, 0, 0, at.Location())
		if at.Equal(today) {
			rest = float64(next.Sub(now)) / float64(next.Sub(at))
		}
		sum, variance = sum+rest*p.pace[at.Weekday()], variance+rest*p.variance
		within := fifths * math.Sqrt(variance)
		if earliest.IsZero() && sum+within >= left {
			earliest = at
		}
		if !ok && sum >= left {
			day, ok = at, true
		}
		if sum-within >= left {
			return day, earliest, at, ok
		}
		at, rest = next, 1
	}
	return day, earliest, latest, ok
}

// pattern is how an account uses its allowance.
type pattern struct {
	pace     [7]float64 // a day, by weekday
	variance float64    // of a day
}

// patternOf the days before today; false: there are too few.
func patternOf(days []Day, today time.Time) (p pattern, ok bool) {
	y, m, d := today.Date()
	zero := time.Date(y, m, d, 0, 0, 0, 0, time.UTC) // days of 24 hours
	var use [reach]float64                           // by days ago, from 1 on
	n := 0
	for _, x := range days {
		at, err := time.Parse(time.DateOnly, x.Day)
		ago := int(zero.Sub(at) / (24 * time.Hour))
		if err != nil || ago < 1 || ago > reach {
			continue
		}
		use[ago-1] += float64(max(x.Used, 0))
		if x.Used > 0 {
			n = max(n, ago)
		}
	}
	if n < least {
		return p, false
	}
	var total float64
	var sum, number [7]float64
	for i := range n {
		w := zero.AddDate(0, 0, -i-1).Weekday()
		total, sum[w], number[w] = total+use[i], sum[w]+use[i], number[w]+1
	}
	mean := total / float64(n)
	for w := range p.pace {
		p.pace[w] = (sum[w] + drawn*mean) / (number[w] + drawn)
	}
	for i := range n {
		off := use[i] - p.pace[zero.AddDate(0, 0, -i-1).Weekday()]
		p.variance += off * off / float64(n-1)
	}
	return p, true
}
