package jobs

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/store"
)

// failingJobs are the jobs that the operator is to be told of.
func failingJobs(t *testing.T, st *store.Store) (list []string) {
	t.Helper()
	news, _, err := st.News.Due(100)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range news {
		list = append(list, string(n.Kind)+" "+n.About+": "+n.Why)
	}
	return list
}

// told takes all news away, as if they had been told.
func told(t *testing.T, st *store.Store) {
	t.Helper()
	news, _, err := st.News.Due(100)
	if err != nil {
		t.Fatal(err)
	}
	for i := range news {
		if err := st.Tell(&news[i], nil); err != nil {
			t.Fatal(err)
		}
	}
}

// find returns a job as cron gets it.
func find(t *testing.T, r *Runner, name string) Job {
	t.Helper()
	j, ok := r.Find(name)
	if !ok {
		t.Fatalf("no job %s", name)
	}
	return j
}

func jobState(t *testing.T, r *Runner, name string) State {
	t.Helper()
	list, err := r.States()
	if err != nil {
		t.Fatal(err)
	}
	return list[slices.IndexFunc(list, func(s State) bool { return s.Job == name })]
}

// A job that fails is logged and told once until it works again, and not twice a day.
func TestRunner_ran(t *testing.T) {
	at := moment(t, "2026-11-23 03:00:00")
	s := &rack{}
	r, log := backups(t, s, &at)
	job := find(t, r, Backup)
	if got := jobState(t, r, Backup); got.Result != "" || got.Done != nil {
		t.Errorf("before the first run: %+v", got)
	}
	for _, step := range []struct {
		days  int
		hours int
		err   error
		told  []string
		since string // of the state; "": it works
	}{
		{0, 0, nil, nil, ""},
		{1, 0, errors.New("no room\nat all"), []string{"failed-job backup: no room"}, "2026-11-24 03:00:00"},
		{2, 0, errors.New("no room\nat all"), nil, "2026-11-24 03:00:00"},
		{3, 0, errors.New("no disk"), nil, "2026-11-24 03:00:00"},
		{4, 0, nil, nil, ""},
		{4, 1, nil, nil, ""}, // it is not due
		{5, 0, errors.New("no room"), []string{"failed-job backup: no room"}, "2026-11-28 03:00:00"},
		{5, 1, nil, nil, ""},
		{6, 0, errors.New("no room"), []string{"failed-job backup: no room"}, "2026-11-29 03:00:00"},
	} {
		at = moment(t, "2026-11-23 03:00:00").AddDate(0, 0, step.days).Add(time.Duration(step.hours) * time.Hour)
		s.full = step.err
		job.Run(t.Context())
		if got := failingJobs(t, r.store); !slices.Equal(got, step.told) {
			t.Errorf("%s: told %q, want %q", at, got, step.told)
		}
		told(t, r.store)
		switch got := jobState(t, r, Backup); {
		case step.since == "" && (got.Result != "done" || got.Error != "" || got.Failed != nil):
			t.Errorf("%s: %+v", at, got)
		case step.since != "" && (got.Result != "failed" || !strings.HasPrefix(step.err.Error(), got.Error) || !got.Failed.Equal(at) || !got.Since.Equal(moment(t, step.since))):
			t.Errorf("%s: %+v, failed %v, since %v", at, got, got.Failed, got.Since)
		}
	}
	log.mustMatch(t, `(?s)backup failed.*backup failed.*backup failed.*job works again" job=backup.*backup failed.*job works again`)
}

// shaky panics in place of a copy.
type shaky struct{ rack }

func (*shaky) Put(context.Context, *store.Store) (Copy, error) { panic("tea\nand cake") }

// A panic fails its run, and no other job; it is logged once, with its stack, and told.
func TestRunner_guard_panic(t *testing.T) {
	at := moment(t, "2026-11-23 03:00:00")
	r, log := runner(openAt(t, func() time.Time { return at }), Config{Copies: Copies{Schedule: "0 3 * * *", Dir: "/rack", Shelf: &shaky{}}})
	job := find(t, r, Backup)
	job.Run(t.Context())
	if did, err := job.Now(t.Context(), at); err == nil || err.Error() != "panic: tea\nand cake" {
		t.Errorf("job run: %+v, %v", did, err)
	}
	log.mustMatch(t, `level=ERROR msg="job panicked; [^"]*" job=backup err="panic: tea\\nand cake" stack=.*outcome_test\.go`)
	if got, want := failingJobs(t, r.store), []string{"failed-job backup: panic: tea"}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	for _, name := range []string{Close, Dun, Prune, Suppressions} {
		find(t, r, name).Run(t.Context())
		if got := jobState(t, r, strings.ReplaceAll(name, " ", "-")); name != Prune && got.Result != "done" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Of a run that a person asked for, the person sees how it ended: nobody is told. If it
// works, the job works.
func TestRunner_guard_byHand(t *testing.T) {
	at := moment(t, "2026-11-23 03:00:00")
	s := &rack{full: errors.New("no room")}
	r, _ := backups(t, s, &at)
	job := find(t, r, Backup)
	if _, err := job.Now(t.Context(), at); !errors.Is(err, s.full) {
		t.Error(err)
	}
	if got := failingJobs(t, r.store); len(got) > 0 || jobState(t, r, Backup).Result != "failed" {
		t.Errorf("told %q, %+v", got, jobState(t, r, Backup))
	}
	job.Run(t.Context())
	if got := failingJobs(t, r.store); len(got) != 1 {
		t.Errorf("told %q by the scheduled run", got)
	}
	s.full = nil
	if _, err := job.Now(t.Context(), at); err != nil || jobState(t, r, Backup).Result != "done" {
		t.Errorf("%v, %+v", err, jobState(t, r, Backup))
	}
}

// A run that the end of relay interrupts has not failed.
func TestRunner_ran_interrupted(t *testing.T) {
	at := moment(t, "2026-11-23 03:00:00")
	r, _ := backups(t, &rack{}, &at)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	find(t, r, Backup).Run(ctx)
	if got := failingJobs(t, r.store); len(got) > 0 || jobState(t, r, Backup).Result != "" {
		t.Errorf("told %q, %+v", got, jobState(t, r, Backup))
	}
}
