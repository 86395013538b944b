package jobs

import (
	"context"
	"time"
)

// Pruning is what prune trace did.
type Pruning struct {
	Job    string `json:"job"`
	Events int    `json:"events"`   // removed
	Errors int    `json:"outcomes"` // removed from lists of errors, and days of outcomes
	MS     int64  `json:"ms"`
}

// Failures implements Result.
func (*Pruning) Failures() []Failure { return nil }

// runPrune is the scheduled prune-trace.
func (r *Runner) runPrune(ctx context.Context) error {
	res, err := r.Prune(ctx)
	if err == nil {
		r.logPruned(res)
	}
	return err
}

// Prune removes the events of the trace that are older than trace_keep, the recipients that
// accounts have not written to for a year, and errors and outcomes of more than 400 days ago.
// It brings the index of what was sent on, which is kept for 90 days.
func (r *Runner) Prune(ctx context.Context) (*Pruning, error) {
	start := time.Now()
	n, err := r.prune(ctx, r.store.Past().Add(-r.config().TraceKeep))
	if err == nil {
		err = r.store.Known.Prune()
	}
	if err == nil {
		err = r.store.News.Prune()
	}
	errs, days := 0, 0
	if err == nil {
		errs, err = r.store.Refusals.PruneErrors(r.store.Past())
	}
	if err == nil {
		days, err = r.store.Outcomes.Prune(r.store.Past())
	}
	if err == nil {
		_, err = r.store.Returns.Prune(r.store.Past())
	}
	return &Pruning{Job: "prune-trace", Events: n, Errors: errs + days, MS: time.Since(start).Milliseconds()}, err
}

// prune removes an hour of events at a time, so that it soon ends with ctx however
// many there are after a long downtime.
func (r *Runner) prune(ctx context.Context, until time.Time) (total int, err error) {
	state, err := r.store.Jobs.State(Prune)
	if err != nil {
		return 0, err
	}
	from, err := time.Parse(time.RFC3339, state.Last)
	if err != nil { // never done
		from = until
	}
	for more := true; more && ctx.Err() == nil; from = from.Add(time.Hour) {
		if more = from.Before(until); !more {
			from = until
		}
		n, err := r.store.Trace.Prune(from, Prune)
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}
