package jobs

import (
	"slices"
	"testing"
	"time"
)

// The digest is news once a day; one that was due while no relay ran is so at the next start,
// once.
func TestRunner_runDigest(t *testing.T) {
	var at time.Time
	st := openAt(t, func() time.Time { return at })
	r, _ := runner(st, Config{Looks: Looks{Digest: "0 7 * * *"}})
	job := find(t, r, Digest)
	for _, step := range []struct{ at, want string }{
		{"2026-11-23 06:00:00", ""}, // the first one comes at its time
		{"2026-11-23 07:00:00", "digest 2026-11-23: "},
		{"2026-11-23 07:00:01", ""},
		{"2026-11-27 12:00:00", "digest 2026-11-27: "}, // it was down
		{"2026-11-27 12:00:01", ""},
		{"2026-11-28 06:59:59", ""},
		{"2026-11-28 07:00:00", "digest 2026-11-28: "},
	} {
		at = moment(t, step.at)
		job.Run(t.Context())
		var want []string
		if step.want != "" {
			want = []string{step.want}
		}
		if got := failingJobs(t, st); !slices.Equal(got, want) {
			t.Errorf("%s: news %q, want %q", step.at, got, want)
		}
		told(t, st)
	}
}
