package serve

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"relay/cli/clock"
	"relay/cli/config"
	"relay/cli/proof"
	"relay/report/jobs"
	"relay/store"
)

// A year of the business's clock, through the real cron, at several speeds: the
// months turn at midnight in the operator's zone, each once.
func TestRunJobs_byTheBusinessClock(t *testing.T) {
	for _, speed := range []int64{1, 60, 3600, clock.MaxSpeed} {
		synctest.Test(t, func(t *testing.T) {
			var turns []string
			r := &Relay{cfg: config.Default(), Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
			r.cfg.Timezone = "Europe/Rome"
			r.Clock = clock.New(time.Date(2026, 1, 31, 22, 59, 0, 0, time.UTC), speed)
			r.store = openAt(t, r.Clock)
			list := []jobs.Job{{Name: "turn", Schedule: "0 0 1 * *", Run: func(context.Context) {
				turns = append(turns, r.store.Now().In(r.cfg.Zone()).Truncate(time.Minute).Format("01-02 15:04"))
			}}}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- r.runAll(ctx, list) }()
			time.Sleep(time.Until(r.Clock.When(time.Date(2026, 12, 31, 12, 0, 0, 0, time.UTC))))
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
		r := &Relay{cfg: config.Default(), Log: slog.New(slog.DiscardHandler)}
		r.cfg.Timezone = "UTC"
		r.Clock = clock.New(time.Date(2026, 11, 30, 23, 59, 0, 0, time.UTC), 60)
		var long, panics []string
		list := []jobs.Job{
			{Name: "long", Schedule: "@hourly", Run: func(context.Context) {
				long = append(long, r.Clock.Now().Format("15:04"))
				if len(long) <= 2 {
					time.Sleep(3*time.Minute + time.Second) // three hours and a minute
				}
			}},
			{Name: "panics", Schedule: "0 */2 * * *", Run: func(context.Context) {
				panics = append(panics, r.Clock.Now().Format("15:04"))
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

func openAt(t *testing.T, c clock.Clock) *store.Store {
	t.Helper()
	st, err := proof.OpenStore(filepath.Join(t.TempDir(), "relay.db"), store.Options{Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// A schedule that cannot be names its job.
func TestRunJobs_wrongSchedule(t *testing.T) {
	r := &Relay{cfg: config.Default(), Log: slog.New(slog.DiscardHandler)}
	err := r.runAll(t.Context(), []jobs.Job{{Name: "tea", Schedule: "at five", Run: func(context.Context) { t.Error("it ran") }}})
	if err == nil {
		t.Fatal("no error")
	}
	mustMatch(t, "error", err.Error(), "^tea: ")
}
