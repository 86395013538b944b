package mailer

import (
	"time"

	"relay/mailer/attempt"
	"relay/mailer/link"
	"relay/mailer/site"
)

// newHand has a worker that tells the schedule how it goes.
func (s *schedule) newHand(t *site.Site) *site.Hand {
	w := &site.Hand{Site: t, Hired: time.Now()}
	w.Worker = attempt.NewWorker(s.m.out, s.ctx, s.taking, attempt.Owner{
		Connected:   func() { s.beside.Tell(func() { w.Connected(); s.touch(t) }) },
		Finished:    func(j *attempt.Job, end attempt.Ending) { s.beside.Tell(func() { s.finished(w, j, end) }) },
		Unreachable: func(j *attempt.Job, failed *link.Failure) { s.beside.Tell(func() { s.unreachable(w, j, failed) }) },
		Idle:        func() { s.beside.Tell(func() { s.crew.Dismiss(w) }) },
		Promise:     func() { s.beside.Tell(func() { w.Told <- s.promise(w) }) },
		Forgone:     func() { s.beside.Tell(func() { s.crew.Forgo(w); s.touch(t) }) },
		Gone:        func() { s.beside.Tell(func() { s.gone(w) }) },
	})
	return w
}

// promise is the job that will follow the one that a worker has, as finished would
// decide; nil: none.
func (s *schedule) promise(w *site.Hand) *attempt.Job {
	t, now := w.Site, s.m.spool.Now()
	if s.stopping || w.Leaving || t.Queue.Len() == 0 || t.Blocked(now) || s.crew.Yields(w, w.Done+1) || s.crew.TooMany(t, now) {
		return nil
	}
	w.Then = s.nextOn(t, now)
	s.touch(t)
	return w.Then
}
