package cli

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/quick"
	"testing/synctest"
	"time"

	"github.com/robfig/cron/v3"

	"relay/cli/config"
	"relay/cli/proof"
	"relay/report/jobs"
	"relay/report/jobs/calendar"
	"relay/store"
)

func TestClock_zero(t *testing.T) {
	var c clock
	now := time.Now()
	if !c.at(now).Equal(now) || !c.when(now).Equal(now) || c.rate() != 1 {
		t.Errorf("the zero clock is not the system's: %v, %v", c.at(now), c.when(now))
	}
	if is := c.Now(); is.Before(now) || is.After(time.Now()) {
		t.Errorf("it shows %v, after %v", is, now)
	}
}

// when is the first instant at which the clock shows a time, to the nanosecond,
// and no later one shows less.
func TestClock_when(t *testing.T) {
	base := time.Date(2026, 11, 30, 23, 58, 0, 123, time.UTC)
	property := func(speed uint32, ahead int64) bool {
		c := newClock(base, 1+int64(speed)%maxSpeed)
		want := base.Add(time.Duration(ahead % int64(200*365*24*time.Hour))) // before the start, too
		first := c.when(want)
		return !c.at(first).Before(want) && c.at(first.Add(-1)).Before(want) && !c.at(first.Add(1)).Before(c.at(first))
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
		{maxSpeed, 100 * time.Hour, "3166-10-18T16:00:00Z"}, // more than a Duration holds
	} {
		k := newClock(base, c.speed)
		if got := k.at(k.start.Add(c.elapsed)).Format(time.RFC3339Nano); got != c.want {
			t.Errorf("speed %d after %v: %s, want %s", c.speed, c.elapsed, got, c.want)
		}
	}
}

// Many goroutines may look at it, and none sees it go back.
func TestClock_forAll(t *testing.T) {
	c := newClock(time.Now(), 1000)
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
		c := newClock(time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC), 3600)
		time.Sleep(time.Second)
		if got := c.Now().Format(time.DateTime); got != "2026-12-01 00:00:00" {
			t.Errorf("after a second at 3600: %s", got)
		}
		time.Sleep(time.Until(c.when(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))))
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
			c := newClock(time.Date(2026, 3, 20, 0, 0, 0, rnd.IntN(1e9), zone), 1+rnd.Int64N(maxSpeed))
			a := alarm{c, zone, schedule}
			wall := c.start
			for range 20 {
				due := schedule.Next(c.at(wall).In(zone))
				next := a.Next(wall)
				if !next.After(wall) || c.at(next).Before(due) || !c.at(next.Add(-1)).Before(due) {
					t.Fatalf("%s at speed %d: after %v comes %v, want %v", spec, c.speed, c.at(wall), c.at(next), due)
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
	a := alarm{newClock(time.Now(), 7), time.UTC, schedule}
	if next := a.Next(time.Now()); !next.IsZero() {
		t.Errorf("the 30th of February is %v", next)
	}
}

// A year of the business's clock, through the real cron, at several speeds: the
// months turn at midnight in the operator's zone, each once.
func TestRunJobs_byTheBusinessClock(t *testing.T) {
	for _, speed := range []int64{1, 60, 3600, maxSpeed} {
		synctest.Test(t, func(t *testing.T) {
			var turns []string
			r := &relay{cfg: config.Default(), log: slog.New(slog.NewTextHandler(io.Discard, nil))}
			r.cfg.Timezone = "Europe/Rome"
			r.clock = newClock(time.Date(2026, 1, 31, 22, 59, 0, 0, time.UTC), speed)
			r.store = openAt(t, r.clock)
			list := []jobs.Job{{Name: "turn", Schedule: "0 0 1 * *", Run: func(context.Context) {
				turns = append(turns, r.store.Now().In(r.cfg.Zone()).Truncate(time.Minute).Format("01-02 15:04"))
			}}}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- r.runAll(ctx, list) }()
			time.Sleep(time.Until(r.clock.when(time.Date(2026, 12, 31, 12, 0, 0, 0, time.UTC))))
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			want := []string{"01-31 23:59", "02-01 00:00", "03-01 00:00", "04-01 00:00", "05-01 00:00", "06-01 00:00",
				"07-01 00:00", "08-01 00:00", "09-01 00:00", "10-01 00:00", "11-01 00:00", "12-01 00:00"}
			if !slices.Equal(turns, want) {
				t.Errorf("speed %d: turns %q, want %q", speed, turns, want)
			}
			if err := r.store.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// What is due while a job runs, at the start or later, is done once more when it
// is over, however often it was due; and a panic ends nothing.
func TestRunJobs_dueWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &relay{cfg: config.Default(), log: slog.New(slog.DiscardHandler)}
		r.cfg.Timezone = "UTC"
		r.clock = newClock(time.Date(2026, 11, 30, 23, 59, 0, 0, time.UTC), 60)
		var long, panics []string
		list := []jobs.Job{
			{Name: "long", Schedule: "@hourly", Run: func(context.Context) {
				long = append(long, r.clock.Now().Format("15:04"))
				if len(long) <= 2 {
					time.Sleep(3*time.Minute + time.Second) // three hours and a minute
				}
			}},
			{Name: "panics", Schedule: "0 */2 * * *", Run: func(context.Context) {
				panics = append(panics, r.clock.Now().Format("15:04"))
				panic("tea")
			}},
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.runAll(ctx, list) }()
		time.Sleep(9 * time.Minute)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if want := []string{"23:59", "03:00", "06:01", "07:00", "08:00"}; !slices.Equal(long, want) {
			t.Errorf("the long job ran at %q, want %q", long, want)
		}
		if want := []string{"00:00", "02:00", "04:00", "06:00", "06:01", "08:00"}; !slices.Equal(panics, want) {
			t.Errorf("the job that panics ran at %q, want %q", panics, want)
		}
	})
}

func openAt(t *testing.T, c clock) *store.Store {
	t.Helper()
	st, err := proof.OpenStore(filepath.Join(t.TempDir(), "relay.db"), store.Options{Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// A schedule that cannot be names its job.
func TestRunJobs_wrongSchedule(t *testing.T) {
	r := &relay{cfg: config.Default(), log: slog.New(slog.DiscardHandler)}
	err := r.runAll(t.Context(), []jobs.Job{{Name: "tea", Schedule: "at five", Run: func(context.Context) { t.Error("it ran") }}})
	if err == nil {
		t.Fatal("no error")
	}
	mustMatch(t, "error", err.Error(), "^tea: ")
}
