package cli

import (
	"time"

	"github.com/robfig/cron/v3"
)

// clock is the wall clock of the business: terms, periods, retries and jobs go
// by it. The zero clock is the system's; another one begins where it is set to
// and runs so many times as fast as the system's monotonic one. It is a value
// that never changes, for any number of goroutines.
type clock struct {
	base  time.Time // what it showed at start
	start time.Time // the system's time then, with its monotonic reading
	speed int64     // 1 or more; 0: the system's clock
}

// newClock shows at now and runs speed times as fast as time does.
func newClock(at time.Time, speed int64) clock {
	return clock{base: at.Round(0), start: time.Now(), speed: max(speed, 1)}
}

// Now is what the clock shows.
func (c clock) Now() time.Time { return c.at(time.Now()) }

// rate is how many times faster than the system's clock it runs.
func (c clock) rate() int64 { return max(c.speed, 1) }

// at is what the clock shows at an instant of the system's. Seconds and their
// parts are multiplied apart: a Duration holds 292 years, which at full speed
// are over in a day.
func (c clock) at(system time.Time) time.Time {
	if c.speed == 0 {
		return system
	}
	seconds, nanos := parts64(system.Sub(c.start))
	return c.after(seconds*c.speed, nanos*c.speed)
}

// when is the first instant of the system's clock at which this one shows t.
func (c clock) when(t time.Time) time.Time {
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

func (c clock) after(seconds, nanos int64) time.Time {
	return time.Unix(c.base.Unix()+seconds, int64(c.base.Nanosecond())+nanos).In(c.base.Location())
}

// parts64 of a duration: whole seconds, and nanoseconds from 0 up.
func parts64(d time.Duration) (seconds, nanos int64) { return floor(int64(d), 1e9) }

// floor divides and rounds down, so that the rest is never negative.
func floor(a, b int64) (whole, rest int64) {
	whole, rest = a/b, a%b
	if rest < 0 {
		whole, rest = whole-1, rest+b
	}
	return whole, rest
}

// alarm lets cron, which goes by the system's clock, run a schedule by another.
type alarm struct {
	clock    clock
	zone     *time.Location // the operator's
	schedule cron.Schedule
}

// Next implements cron.Schedule.
func (a alarm) Next(system time.Time) time.Time {
	next := a.schedule.Next(a.clock.at(system).In(a.zone))
	if next.IsZero() {
		return next
	}
	return a.clock.when(next)
}
