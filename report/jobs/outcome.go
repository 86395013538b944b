package jobs

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"relay/report/words"
)

// loggedError is an error that is in the log already.
type loggedError struct{ error }

// Unwrap returns the error itself.
func (l loggedError) Unwrap() error { return l.error }

// panicError is a panic as an error.
type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// guarded runs a piece of a job. A panic fails it, and nothing else.
func guarded(run func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{v, debug.Stack()}
		}
	}()
	return run()
}

// guard returns a job whose runs are guarded, and how they end is recorded. A scheduled run
// that fails is told to the operator, once until the job works again.
func (r *Runner) guard(j Job) Job {
	now := j.Now
	j.Run = func(ctx context.Context) { r.ran(ctx, j.Name, true, guarded(func() error { return j.run(ctx) })) }
	j.Now = func(ctx context.Context, at time.Time) (did Result, err error) {
		err = guarded(func() error { did, err = now(ctx, at); return err })
		failed := err
		if failed == nil && j.Books {
			failed = unable(did)
		}
		r.ran(ctx, j.Name, false, failed)
		return did, err
	}
	return j
}

// errNotDue is the error of a run that had nothing to do yet.
var errNotDue = errors.New("jobs: not due")

// mostWhy is how long an error is kept.
const mostWhy = 500

// ran logs and records how a run ended. An interrupted one has not failed: the next start
// goes on.
func (r *Runner) ran(ctx context.Context, name string, scheduled bool, err error) {
	if errors.Is(err, errNotDue) {
		return
	}
	if err == nil {
		was, err := r.store.Jobs.Works(name)
		switch {
		case err != nil:
			r.logNotRecorded(name, err)
		case was:
			r.logWorks(name)
		}
		return
	}
	p, isPanic := errors.AsType[*panicError](err)
	if ctx.Err() != nil && !isPanic {
		return
	}
	why, _, _ := strings.Cut(err.Error(), "\n")
	fresh, failed := r.store.Jobs.Fails(name, words.Cut(words.Clean(why), mostWhy), scheduled)
	_, told := errors.AsType[loggedError](err)
	switch {
	case isPanic:
		r.logPanic(name, p)
	case fresh && !told && scheduled:
		r.logFailed(name, err)
	}
	if failed != nil {
		r.logNotRecorded(name, failed)
	}
}

// unable is the error of a job that could not deal with all accounts; nil: it could.
func unable(did Result) error {
	list := did.Failures()
	if len(list) == 0 {
		return nil
	}
	return loggedError{fmt.Errorf("%s failed, among them %s: %s", words.Plural(int64(len(list)), "account"), list[0].Account, list[0].Error)}
}
