package delivered

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/room"
	"relay/store/sent"
)

// The keeper is one goroutine that lives while there is something to do. Each step is a small
// transaction and leaves a state from which the next one goes on, also after a crash:
//
//  1. a part that is full, or of a day that is over, is written as a run, and its records
//     count no more; they are deleted after that;
//  2. sent.Plan says which runs are merged or removed.
//
// What a merge reads never changes, so it is read outside of the writer.

// Wake starts the keeper unless it is at work, or stands still.
func (x *Index) Wake() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.busy && !x.closed && x.pauses == 0 {
		x.busy = true
		go x.keep()
	}
}

// Wait returns when the keeper has done all that there is to do, or stands still.
func (x *Index) Wait() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for x.busy {
		x.idle.Wait()
	}
}

// Pause has the keeper stand still after its present step, until resume is called. Meanwhile the
// index takes in and finds what it would: parts that are full stay in memory.
func (x *Index) Pause() (resume func()) {
	x.mu.Lock()
	x.pauses++
	x.mu.Unlock()
	x.Wait()
	return sync.OnceFunc(func() {
		x.mu.Lock()
		x.pauses--
		x.mu.Unlock()
		x.Wake()
	})
}

// Close ends the keeper after its present step.
func (x *Index) Close() {
	x.mu.Lock()
	x.closed = true
	x.mu.Unlock()
	x.Wait()
}

// keep works until there is nothing to do, or the keeper is to stand still. After a failure it waits
// for the next part.
func (x *Index) keep() {
	for {
		began := time.Now()
		did, err := x.step()
		if err != nil && !errors.Is(err, engine.ErrClosed) {
			x.o.Log.Often(slog.LevelWarn, "", "the index of what was sent is not kept in order; the next part tries again",
				slog.String("component", "store"), slog.Any("err", err))
		}
		if did == merged && err == nil {
			x.rest(time.Since(began))
		}
		if !x.goOn(did != nothing, err) {
			return
		}
	}
}

// goOn decides whether the keeper takes another step after one that did something, or nothing.
func (x *Index) goOn(did bool, err error) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.busy = err == nil && !x.closed && x.pauses == 0 && (did || x.parts[0].Full())
	if !x.busy {
		x.idle.Broadcast()
	}
	return x.busy
}

// rest gives others the disk for as long as a step of a long merge took.
func (x *Index) rest(d time.Duration) {
	timer := time.NewTimer(min(d, time.Second))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-x.db.Stopping():
	}
}

// Step does one thing that the keeper would do, and reports whether there may be more to do. While
// the keeper is paused, its owner may have it go on step by step.
func (x *Index) Step() (more bool, err error) {
	did, err := x.step()
	return did != nothing, err
}

// progress is what a step has done.
type progress int

const (
	nothing progress = iota
	something
	merged // a piece of a long merge
)

func (x *Index) step() (progress, error) {
	x.stepping.Lock()
	defer x.stepping.Unlock()
	select {
	case <-x.db.Stopping():
		return nothing, nil
	default:
	}
	today := dayOf(x.o.Past())
	if p := x.take(today); p != nil {
		return something, x.writePart(p)
	}
	if more, err := x.trimOpen(); more || err != nil {
		return something, err
	}
	return x.stepRuns(today)
}

// stepRuns merges or removes a piece of a run.
func (x *Index) stepRuns(today int) (progress, error) {
	var job sent.Job
	var list []byte
	err := x.db.View(func(t room.Tx) error {
		runs, err := runsIn(&t)
		if err != nil {
			return err
		}
		if job = sent.Plan(runs, today); job.Act == sent.GoOn {
			list = sent.Take(func() sent.Cursor { return t.Cursor(bucket.SentRuns) }, job.Run.Of, job.Run.After)
		}
		return nil
	})
	if err != nil || job.Act == sent.Rest {
		return nothing, err
	}
	did := something
	if job.Run.Tier >= sent.TierDay {
		did = merged
	}
	if job.Act == sent.Begin || job.Act == sent.GoOn {
		return did, x.db.Grow(len(list), func(t room.Tx) error { return do(&t, &job, list) })
	}
	return did, x.db.Update(0, func(t room.Tx) error { return do(&t, &job, nil) })
}
