package jobs

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"relay/store"
	"relay/store/news"
	"relay/store/spool"
)

const (
	newsBatch = 16              // pieces of news that are in memory at a time
	newsBytes = 8 << 20         // octets of their mails, beyond which no other is written: a list of errors may be long
	newsRetry = 5 * time.Minute // after the first failure; it doubles with each
	newsMost  = 24 * time.Hour  // at most
	newsPause = time.Minute     // until the clock is looked at again, and after a failure of the store
)

// RunNews tells customers and operator the store's news as it comes due, until ctx ends. See
// store.News for what a crash leaves. News whose mail cannot be written is put off, and holds
// up no other. The digest is told beside the rest: see aside.
func (r *Runner) RunNews(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	beside := &aside{ended: make(chan error, 1)}
	defer beside.running.Wait()
	for {
		var next time.Time
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-r.store.News.Added():
		case err = <-beside.ended:
			beside.busy = false
		case <-timer.C:
		}
		if err == nil {
			next, err = r.tellDue(ctx, beside)
		}
		switch {
		case ctx.Err() != nil:
		case err != nil:
			r.often.Fails(slog.LevelError, "", cannotTell, slog.Any("err", err))
			timer.Reset(newsPause)
		default:
			r.often.Works("", cannotTell)
			if timer.Stop(); !next.IsZero() {
				timer.Reset(r.until(next))
			}
		}
	}
}

// until is how long it takes the clock of the business to show a time. It is no longer than
// the pause after which the clock is looked at again: it may be set.
func (r *Runner) until(at time.Time) time.Duration {
	speed := time.Duration(max(1, r.config().Speed))
	return min((at.Sub(r.store.Now())+speed-1)/speed, newsPause)
}

// tellDue tells what is due, a batch at a time: what becomes due meanwhile and is more urgent
// is in the next batch. next is when something else is due; zero: nothing is waiting. The
// error is one that all news would meet.
func (r *Runner) tellDue(ctx context.Context, beside *aside) (next time.Time, err error) {
	for ctx.Err() == nil {
		list, next, err := r.store.News.Due(newsBatch)
		if err == nil {
			list = beside.take(list, func(n news.Item) error { return r.tellBatch(ctx, []news.Item{n}) })
		}
		if err != nil || len(list) == 0 {
			return next, err
		}
		start := time.Now()
		if err := r.tellBatch(ctx, list); err != nil {
			return next, err
		}
		if list[0].Kind.Bulk() {
			rest(ctx, 3*time.Since(start))
		}
	}
	return next, ctx.Err()
}

// aside tells the digest, which takes seconds to gather from many accounts, so that no urgent
// news waits for it. It belongs to the goroutine of RunNews, which hears how that ended.
type aside struct {
	busy    bool
	ended   chan error // has room for one
	running sync.WaitGroup
}

// take begins to tell the first digest of a list, unless one is being told, and returns the
// list without digests.
func (a *aside) take(list []news.Item, tell func(news.Item) error) (others []news.Item) {
	for _, n := range list {
		switch {
		case n.Kind != news.Digest:
			others = append(others, n)
		case !a.busy:
			a.busy = true
			a.running.Go(func() { a.ended <- tell(n) })
		}
	}
	return others
}

// rest leaves the processor to those that hand over mail, for three times as long as a batch of
// charts took: on two processors, charts take an eighth of the time.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// tellBatch writes one mail after the other, so that charts take one processor at most. What
// is written is stored meanwhile, several in a commit.
func (r *Runner) tellBatch(ctx context.Context, list []news.Item) error {
	errs := make([]error, len(list))
	var storing sync.WaitGroup
	written := 0
	for i := range list {
		n := &list[i]
		mails, err := r.writeNews(n)
		if err != nil {
			errs[i] = r.putOff(n, err)
			continue
		}
		storing.Go(func() { errs[i] = r.tell(n, mails) })
		if ctx.Err() != nil {
			break
		}
		if written += weight(mails); written > newsBytes {
			storing.Wait()
			written = 0
		}
	}
	storing.Wait()
	return errors.Join(errs...)
}

func weight(mails []spool.Notice) (sum int) {
	for i := range mails {
		sum += len(mails[i].Body)
	}
	return sum
}

// tell stores what was written. An error that only this piece of news meets puts it off.
func (r *Runner) tell(n *news.Item, mails []spool.Notice) error {
	err := r.store.Tell(n, mails)
	switch {
	case err == nil:
		r.logTold(n, len(mails))
		return nil
	case errors.Is(err, store.ErrFull) || r.store.Err() != nil:
		return err
	}
	return r.putOff(n, err)
}

// writeNews writes the mails of a piece of news; none: there is nothing to tell any more, or
// nobody to tell it to. A panic is an error: the templates may be the operator's.
func (r *Runner) writeNews(n *news.Item) (mails []spool.Notice, err error) {
	err = guarded(func() error {
		told, err := r.store.Telling(n)
		if err == nil && told != nil {
			r.logReturns(told)
			mails, err = r.write(told, told.ID)
		}
		return err
	})
	return mails, err
}

// putOff gives news that could not be told another time, and logs why.
func (r *Runner) putOff(n *news.Item, why error) error {
	wait := newsMost
	if n.Tries < 8 {
		wait = min(newsRetry<<n.Tries, newsMost)
	}
	until := r.store.Now().Add(wait)
	r.logPutOff(n, until, why)
	return r.store.News.PutOff(n, until)
}
