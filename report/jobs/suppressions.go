package jobs

import (
	"context"
	"time"
)

// Lapsing is what the job suppressions did.
type Lapsing struct {
	Job     string `json:"job"`
	Removed int    `json:"removed"` // suppressions that had ended, and refusals that count no more
	MS      int64  `json:"ms"`
}

// Failures implements Result.
func (*Lapsing) Failures() []Failure { return nil }

// runSuppressions is the scheduled job.
func (r *Runner) runSuppressions(ctx context.Context) error {
	res, err := r.Suppressions(ctx)
	if err == nil && res.Removed > 0 {
		r.log.Info("suppressions ended", "removed", res.Removed, "ms", res.MS)
	}
	return err
}

// Suppressions removes suppressions that have ended. They keep no mail back since then; this
// only makes room. What it removed before a crash is gone, the rest goes at the next run.
func (r *Runner) Suppressions(context.Context) (*Lapsing, error) {
	start, at := time.Now(), r.store.Past()
	n, err := r.store.Refusals.PruneSuppressions(at, Suppressions)
	return &Lapsing{Job: "suppressions", Removed: n, MS: time.Since(start).Milliseconds()}, err
}
