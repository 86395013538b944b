package mailer

import (
	"time"

	"relay/mailer/attempt"
	"relay/mailer/link"
	"relay/mailer/site"
)

// serve gives the site's connections what is claimed, opens and closes
// connections, and says when the site wants more.
func (s *schedule) serve(t *site.Site, now time.Time) {
	s.yieldCold(t, now)
	s.giveBackStopped(t)
	if s.stopping || t.Blocked(now) {
		s.giveBack(t, t.Queue.Take())
		s.crew.CloseIdle(t)
		return
	}
	for t.Queue.Len() > 0 && len(t.Idle) > 0 {
		j := s.nextOn(t, now)
		if j == nil {
			break
		}
		s.crew.Assign(s.crew.Unpark(t), j)
	}
	for t.Queue.Len() > 0 && t.Workers < t.Limit && t.MayOpen(now) {
		_, j, ok := t.Queue.PopIf(s.crew.Within)
		if !ok {
			s.crew.Await(t)
			break
		}
		s.hire(t, j, now)
	}
	if n, _, _ := s.demand(t, now); n == 0 {
		s.rest(t, now)
	} else if !t.Hungry {
		t.Hungry = true
		s.hungry.Push(t)
	}
}

// giveBackStopped returns what was claimed for accounts that are suspended since then. Nothing of
// them begins any more; what is on its way is carried through.
func (s *schedule) giveBackStopped(t *site.Site) {
	if t.Queue.Len() == 0 || !s.m.spool.AnyStopped() {
		return
	}
	var back []*attempt.Job
	for {
		_, j, ok := t.Queue.PopIf(s.m.spool.Stopped)
		if !ok {
			break
		}
		back = append(back, j)
	}
	s.giveBack(t, back)
}

// nextOn begins the next job for a connection that the site has: of an account within
// its share if there is one. nil: a ceiling lets none begin.
func (s *schedule) nextOn(t *site.Site, now time.Time) *attempt.Job {
	if t.Free(now) == 0 {
		return nil
	}
	return s.begin(t, s.crew.Pick(t), now)
}

// hire opens a connection with its first job.
func (s *schedule) hire(t *site.Site, j *attempt.Job, now time.Time) {
	s.begin(t, j, now)
	t.Gate.Open(now)
	w := s.newHand(t)
	s.crew.Hire(w, j)
	s.beside.Do(w.Worker.Run)
}

// finished: a worker has settled a job and waits for the next one, unless it has it
// already.
func (s *schedule) finished(w *site.Hand, j *attempt.Job, end attempt.Ending) {
	t := w.Site
	s.crew.Release(w)
	s.land(j)
	s.triedAt(end.Next)
	s.touch(t)
	if !end.Open {
		w.Closed()
	}
	if w.Leaving && w.Then == nil {
		close(w.Jobs)
		return
	}
	defer s.rouse()
	now := s.m.spool.Now()
	s.judgeSite(t, end, now)
	s.judgeLanes(w, j, end, now)
	s.heed(t, j.Message.Account, end.Said, now)
	w.Done++
	if w.Then != nil {
		s.crew.Follow(w)
		return
	}
	if !end.Open && t.Queue.Len() == 0 || s.crew.Yields(w, w.Done) || s.crew.TooMany(t, now) || s.longRest(t, now) {
		close(w.Jobs) // nothing to keep, or another one's turn, or one too many
		return
	}
	s.crew.Park(w)
}

// judgeSite notes how a job went for its site.
func (s *schedule) judgeSite(t *site.Site, end attempt.Ending, now time.Time) {
	if end.Lost {
		t.Shrink(t.Limit/2, now)
	}
	switch {
	case end.Spoke:
		if t.Failures > 0 && t.Fault == nil {
			s.m.logSiteUp(t)
		}
		t.Failures, t.Why = 0, ""
		if !end.Lost {
			t.Grow(now)
		}
	case end.Lost && s.m.out.Hosts.AllIll(t.Path, t.Origin.Source):
		s.block(t, end.Why)
	}
}

// gone: a worker has closed its connection and ends.
func (s *schedule) gone(w *site.Hand) {
	t := w.Site
	w.Closed()
	s.crew.Gone(w)
	if t.Workers == 0 {
		t.Limit = 1 // feel the way again
	}
	s.letOthers(t)
	s.touch(t)
	s.rouse()
}

// rouse gives connections that are free to those that wait for one.
func (s *schedule) rouse() {
	now := s.m.spool.Now()
	for {
		account, t := s.crew.NextWaiting()
		if t == nil {
			return
		}
		s.touch(t)
		if s.stopping || t.Blocked(now) || t.Workers >= t.Limit || !t.MayOpen(now) {
			continue
		}
		s.giveBackStopped(t)
		if j, ok := t.Queue.PopOf(account); ok {
			s.hire(t, j, now)
		}
	}
}

// unreachable: none of the site's hosts took a connection. Where others are
// open, there were too many; else the site is down, j was the probe, and all
// else goes back.
func (s *schedule) unreachable(w *site.Hand, j *attempt.Job, failed *link.Failure) {
	t := w.Site
	w.Closed()
	s.crew.Release(w)
	now := s.m.spool.Now()
	switch {
	case failed.Lacks:
		s.origins.CheckSoon()
		s.addrIs(t.Origin, failed.Err)
		s.giveBack(t, []*attempt.Job{j})
		return
	case s.stopping, s.taking.Err() != nil, t.Blocked(now):
		s.giveBack(t, []*attempt.Job{j})
		return
	case t.Open > 0 && j.Passed < maxPassed:
		j.Passed++
		t.Shrink(t.Open, now)
		s.crowded421(t, failed, now)
		t.Queue.Unshift(j.Message.Account, j)
		s.touch(t)
		return
	case t.Open == 0:
		s.block(t, failed.Err.Error())
	}
	s.beside.Do(func() {
		list, next := s.m.out.SettleUnreached(j, failed)
		s.beside.Tell(func() {
			s.land(j)
			s.triedAt(next)
			s.heed(t, j.Message.Account, list, s.m.spool.Now())
		})
	})
}

// maxPassed is how often a job is passed on by connections that could not be made.
const maxPassed = 3

// block leaves a site alone for an interval that grows with its failures.
func (s *schedule) block(t *site.Site, why string) {
	now := s.m.spool.Now()
	t.Fail(why, now, s.m.config())
	s.atlas.Failed(t)
	s.m.logSiteDown(t)
	s.dueAt(t.Until)
	s.disband(t)
	s.touch(t)
}

// relieve has attempts that are slow give way to accounts that have hardly any connection.
func (s *schedule) relieve(now time.Time) {
	if s.stopping {
		return
	}
	if starving := s.crew.Relieve(now); starving > 0 {
		s.m.logPoolFull(s.m.config().Connections, starving)
	}
}

// noteDials tells the store which claims are dialled for, see crew.Dialled.
func (s *schedule) noteDials() {
	list := s.crew.Dialled()
	if len(list) == 0 {
		return
	}
	s.beside.Do(func() {
		s.m.out.NoteDialled(list)
		s.beside.Tell(s.crew.Noted)
	})
}
