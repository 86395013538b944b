// Package clock is the wall clock that terms, periods, retries and jobs go by. It is the
// system's, or one for the sandbox that begins at another time and runs faster.
package clock

import (
	"time"

	"github.com/robfig/cron/v3"
)

// MaxSpeed of a clock: a day in less than a second, a year in five minutes. At a higher
// speed, jobs that run every minute would be due again before they end.
const MaxSpeed = 100_000

// Clock is the wall clock of the business. The zero clock is the system's. Another one
// begins at a given time and runs faster than the system's monotonic clock by a factor.
// A Clock never changes, so that goroutines can share it.
type Clock struct {
	base  time.Time // what it showed at start
	start time.Time // the system's time then, with its monotonic reading
	speed int64     // 1 or more; 0: the system's clock
}

// New returns a clock that shows the time at now and runs speed times as fast as the
// system's.
func New(at time.Time, speed int64) Clock {
	return Clock{base: at.Round(0), start: time.Now(), speed: max(speed, 1)}
}

// System reports whether it is the system's clock.
func (c Clock) System() bool { return c.speed == 0 }

// Base is the time that the clock showed at its start.
func (c Clock) Base() time.Time { return c.base }

// Now is the time that the clock shows.
func (c Clock) Now() time.Time { return c.At(time.Now()) }

// Rate is how many times as fast as the system's clock it runs.
func (c Clock) Rate() int64 { return max(c.speed, 1) }

// At is the time that the clock shows at an instant of the system's. Seconds and
// nanoseconds are multiplied separately: a Duration holds 292 years, and at full speed
// they pass in a day.
func (c Clock) At(system time.Time) time.Time {
	if c.speed == 0 {
		return system
	}
	seconds, nanos := parts64(system.Sub(c.start))
	return c.after(seconds*c.speed, nanos*c.speed)
}

// When is the first instant of the system's clock at which this clock shows t.
func (c Clock) When(t time.Time) time.Time {
	if c.speed == 0 {
		return t
	}
	seconds, nanos := t.Unix()-c.base.Unix(), int64(t.Nanosecond()-c.base.Nanosecond())
	if nanos < 0 {
		seconds, nanos = seconds-1, nanos+1e9
	}
	whole, rest := floor(seconds, c.speed)
	part, left := floor(rest*1e9+nanos, c.speed)
	if left > 0 {
		part++
	}
	return c.start.Add(time.Duration(whole)*time.Second + time.Duration(part))
}

func (c Clock) after(seconds, nanos int64) time.Time {
	return time.Unix(c.base.Unix()+seconds, int64(c.base.Nanosecond())+nanos).In(c.base.Location())
}

// parts64 splits a duration into whole seconds and nanoseconds of 0 or more.
func parts64(d time.Duration) (seconds, nanos int64) { return floor(int64(d), 1e9) }

// floor divides and rounds down: the rest is never negative.
func floor(a, b int64) (whole, rest int64) {
	whole, rest = a/b, a%b
	if rest < 0 {
		whole, rest = whole-1, rest+b
	}
	return whole, rest
}

// Alarm makes cron, which goes by the system's clock, run a schedule by another clock.
type Alarm struct {
	Clock    Clock
	Zone     *time.Location // the operator's
	Schedule cron.Schedule
}

// Next implements cron.Schedule.
func (a Alarm) Next(system time.Time) time.Time {
	next := a.Schedule.Next(a.Clock.At(system).In(a.Zone))
	if next.IsZero() {
		return next
	}
	return a.Clock.When(next)
}
