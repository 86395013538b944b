package jobs

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// A store that was never proved is proved at the next time of the schedule; later a time
// that passed while no relay ran is made up for, once. Problems are told, and the schedule
// goes on.
func TestRunner_runStoreCheck(t *testing.T) {
	var at time.Time
	s := &rack{}
	r, log := runner(openAt(t, func() time.Time { return at }), Config{Copies: Copies{Check: "0 4 * * 0", Shelf: s}})
	job := find(t, r, StoreCheck)
	sound, broken := Proof{Accounts: 2}, Proof{Problems: 3, Found: []string{"tea", "cake", "milk"}}
	for _, step := range []struct {
		at     string
		proof  Proof
		err    error
		done   string // when it was done last; "": never
		failed []string
	}{
		{"2026-11-23 02:30:00", sound, nil, "", nil}, // Monday
		{"2026-11-29 03:59:00", sound, nil, "", nil},
		{"2026-11-29 04:00:00", sound, nil, "2026-11-29 04:00:00", nil},
		{"2026-11-29 05:00:00", broken, nil, "2026-11-29 04:00:00", nil},
		{"2026-12-15 12:00:00", sound, errors.New("no room"), "2026-11-29 04:00:00", []string{"failed-job store-check: no room"}},
		{"2026-12-15 13:00:00", sound, nil, "2026-12-15 13:00:00", nil}, // made up for
		{"2026-12-19 13:00:00", broken, nil, "2026-12-15 13:00:00", nil},
		{"2026-12-20 04:00:00", broken, nil, "2026-12-20 04:00:00", []string{"failed-job store-check: the store has 3 problems, the first: tea"}},
		{"2026-12-27 04:00:00", broken, nil, "2026-12-27 04:00:00", nil},
	} {
		at, s.proof, s.full = moment(t, step.at), step.proof, step.err
		job.Run(t.Context())
		state := jobState(t, r, "store-check")
		if done := step.done == ""; done != (state.Done == nil) || !done && !state.Done.Equal(moment(t, step.done)) {
			t.Errorf("%s: done %v, want %q", step.at, state.Done, step.done)
		}
		if got := failingJobs(t, r.store); !slices.Equal(got, step.failed) {
			t.Errorf("%s: told %q, want %q", step.at, got, step.failed)
		}
		told(t, r.store)
	}
	log.mustMatch(t, `level=INFO msg="store proved" accounts=2 messages=0`)
	log.mustMatch(t, `level=ERROR msg="store is damaged" problems=3 among="tea, cake, milk"`)
}
