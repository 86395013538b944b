package clock

import (
	"math/rand/v2"
	"sync"
	"testing"
	"testing/quick"
	"testing/synctest"
	"time"

	"github.com/robfig/cron/v3"

	"relay/report/jobs/calendar"
)

func TestClock_zero(t *testing.T) {
	var c Clock
	now := time.Now()
	if !c.At(now).Equal(now) || !c.When(now).Equal(now) || c.Rate() != 1 {
		t.Errorf("the zero clock is not the system's: %v, %v", c.At(now), c.When(now))
	}
	if is := c.Now(); is.Before(now) || is.After(time.Now()) {
		t.Errorf("it shows %v, after %v", is, now)
	}
}

// When is the first instant at which the clock shows a time, to the nanosecond,
// and no later instant shows less.
func TestClock_when(t *testing.T) {
	base := time.Date(2026, 11, 30, 23, 58, 0, 123, time.UTC)
	property := func(speed uint32, ahead int64) bool {
		c := New(base, 1+int64(speed)%MaxSpeed)
		want := base.Add(time.Duration(ahead % int64(200*365*24*time.Hour))) // before the start, too
		first := c.When(want)
		return !c.At(first).Before(want) && c.At(first.Add(-1)).Before(want) && !c.At(first.Add(1)).Before(c.At(first))
	}
	if err := quick.Check(property, &quick.Config{MaxCount: 20_000}); err != nil {
		t.Error(err)
	}
}

func TestClock_at(t *testing.T) {
	base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		speed   int64
		elapsed time.Duration
		want    string
	}{
		{1, 1500 * time.Millisecond, "2026-01-01T00:00:01.5Z"},
		{3600, time.Second, "2026-01-01T01:00:00Z"},
		{60, -time.Second, "2025-12-31T23:59:00Z"},
		{3, 500 * time.Millisecond, "2026-01-01T00:00:01.5Z"},
		{MaxSpeed, 100 * time.Hour, "3166-10-18T16:00:00Z"}, // more than a Duration holds
	} {
		k := New(base, c.speed)
		if got := k.At(k.start.Add(c.elapsed)).Format(time.RFC3339Nano); got != c.want {
			t.Errorf("speed %d after %v: %s, want %s", c.speed, c.elapsed, got, c.want)
		}
	}
}

// Many goroutines may read the clock, and none sees it go back.
func TestClock_forAll(t *testing.T) {
	c := New(time.Now(), 1000)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			last := c.Now()
			for range 10_000 {
				now := c.Now()
				if now.Before(last) {
					t.Error("the clock went back")
					return
				}
				last = now
			}
		})
	}
	wg.Wait()
}

func TestClock_runsWithTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC), 3600)
		time.Sleep(time.Second)
		if got := c.Now().Format(time.DateTime); got != "2026-12-01 00:00:00" {
			t.Errorf("after a second at 3600: %s", got)
		}
		time.Sleep(time.Until(c.When(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))))
		if got := c.Now().Format(time.DateTime); got != "2027-01-01 00:00:00" {
			t.Errorf("at the new year: %s", got)
		}
	})
}

// An alarm goes off neither early nor twice, at any speed.
func TestAlarm(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	zone, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range []string{"17 * * * *", "0 0 1 * *", "@daily", "@every 90s", "30 2 * * *"} {
		schedule, err := calendar.Parse(spec)
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			c := New(time.Date(2026, 3, 20, 0, 0, 0, rnd.IntN(1e9), zone), 1+rnd.Int64N(MaxSpeed))
			a := Alarm{c, zone, schedule}
			wall := c.start
			for range 20 {
				due := schedule.Next(c.At(wall).In(zone))
				next := a.Next(wall)
				if !next.After(wall) || c.At(next).Before(due) || !c.At(next.Add(-1)).Before(due) {
					t.Fatalf("%s at speed %d: after %v comes %v, want %v", spec, c.speed, c.At(wall), c.At(next), due)
				}
				wall = next
			}
		}
	}
}

func TestAlarm_never(t *testing.T) {
	schedule, err := cron.ParseStandard("0 0 30 2 *")
	if err != nil {
		t.Fatal(err)
	}
	a := Alarm{New(time.Now(), 7), time.UTC, schedule}
	if next := a.Next(time.Now()); !next.IsZero() {
		t.Errorf("the 30th of February is %v", next)
	}
}
