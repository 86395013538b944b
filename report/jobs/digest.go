package jobs

import (
	"context"
	"time"

	"relay/store/joblog"
	"relay/store/news"
)

// Digesting is what digest did.
type Digesting struct {
	Job string `json:"job"`
	Day string `json:"day"` // that the digest is written on
}

// Failures implements Result.
func (*Digesting) Failures() []Failure { return nil }

// runDigest is the scheduled digest. One that was due while no relay ran is written at the
// start, once.
func (r *Runner) runDigest(ctx context.Context) error {
	due, err := r.came(Digest, r.config().Looks.Digest)
	if err == nil && !due {
		err = errNotDue
	}
	if err == nil {
		_, err = r.Digest(ctx)
	}
	return err
}

// Digest stores the digest as news, in the transaction that records the run. A mail is written
// of it if there is something to tell by then: see tell.Digest.
func (r *Runner) Digest(context.Context) (*Digesting, error) {
	now := r.store.Now()
	day := now.In(r.store.Zone()).Format(time.DateOnly)
	return &Digesting{Job: Digest, Day: day}, r.store.Jobs.Set(Digest, joblog.State{Last: now.UTC().Format(time.RFC3339Nano), Done: now},
		news.Item{Kind: news.Digest, About: day})
}
