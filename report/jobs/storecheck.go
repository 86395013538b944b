package jobs

import (
	"context"
	"fmt"
	"time"

	"relay/report/jobs/calendar"
	"relay/report/words"
	"relay/store/joblog"
)

// Proof is what a proof of the store found.
type Proof struct {
	Accounts int64
	Messages int64
	Octets   int64    // of bodies
	Problems int64    // all of them
	Found    []string // the first ones
}

// Check is what store-check did.
type Check struct {
	Job      string   `json:"job"`
	Accounts int64    `json:"accounts"`
	Messages int64    `json:"messages"`
	Problems int64    `json:"problems"`
	Found    []string `json:"found"` // the first problems
	MS       int64    `json:"ms"`
}

// Failures implements Result.
func (*Check) Failures() []Failure { return nil }

// Err is nil if the store is in order.
func (c *Check) Err() error {
	if c.Problems == 0 {
		return nil
	}
	return fmt.Errorf("the store has %s, the first: %s", words.Plural(c.Problems, "problem"), words.Some(c.Found[:min(1, len(c.Found))]))
}

// came reports whether the schedule has come since the job was done. One that was never done
// is due at its next time, and one that was done in the future at once: the clock was wrong.
func (r *Runner) came(name, schedule string) (bool, error) {
	s, err := calendar.Parse(schedule)
	if err != nil {
		return false, err
	}
	state, err := r.store.Jobs.State(name)
	if err != nil {
		return false, err
	}
	now := r.store.Now()
	last, err := time.Parse(time.RFC3339Nano, state.Last)
	if err != nil { // it counts from now on
		return false, r.store.Jobs.Set(name, joblog.State{Last: now.UTC().Format(time.RFC3339Nano)})
	}
	return last.After(now) || !s.Next(last.In(r.store.Zone())).After(now), nil
}

// runStoreCheck is the scheduled store-check.
func (r *Runner) runStoreCheck(ctx context.Context) error {
	due, err := r.came(StoreCheck, r.config().Copies.Check)
	if err == nil && !due {
		err = errNotDue
	}
	if err != nil {
		return err
	}
	res, err := r.StoreCheck(ctx)
	if err != nil {
		return err
	}
	r.logChecked(res)
	if err := res.Err(); err != nil {
		return loggedError{err}
	}
	return nil
}

// StoreCheck proves a copy of the store, which it removes again: every queue entry has its
// message, every counter is the sum it says. The relay goes on meanwhile. A crash leaves a
// file that the next check removes, and the check to be done at the next start.
func (r *Runner) StoreCheck(ctx context.Context) (*Check, error) {
	start := time.Now()
	p, err := r.config().Copies.Shelf.Prove(ctx, r.store)
	if err != nil {
		return &Check{Job: "store-check", Found: []string{}}, err
	}
	return &Check{Job: "store-check", Accounts: p.Accounts, Messages: p.Messages, Problems: p.Problems, Found: append([]string{}, p.Found...), MS: time.Since(start).Milliseconds()},
		r.did(StoreCheck, r.store.Now())
}
