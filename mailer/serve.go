package mailer

import (
	"slices"
	"time"
)

// serve gives the site's connections what is claimed, opens and closes
// connections, and says when the site wants more.
func (s *schedule) serve(t *site, now time.Time) {
	s.yieldCold(t, now)
	if s.stopping || t.blocked(now) {
		s.giveBack(t.queue.take())
		s.closeIdle(t)
		return
	}
	for t.queue.len() > 0 && len(t.idle) > 0 {
		j := s.nextOn(t, now)
		if j == nil {
			break
		}
		w := t.idle[len(t.idle)-1]
		s.unpark(w)
		s.assign(w, j)
	}
	for t.queue.len() > 0 && t.workers < t.limit && t.mayOpen(now) {
		_, j, ok := t.queue.popIf(s.within)
		if !ok {
			s.await(t)
			break
		}
		s.hire(t, j, now)
	}
	if n, _, _ := s.demand(t, now); n == 0 {
		s.rest(t, now)
	} else if !t.hungry {
		t.hungry = true
		s.hungry.push(t)
	}
}

// nextOn begins the next job for a connection that the site has: of an account within
// its share if there is one. nil: a ceiling lets none begin.
func (s *schedule) nextOn(t *site, now time.Time) *job {
	if t.free(now) == 0 {
		return nil
	}
	if s.crowded() {
		if _, j, ok := t.queue.popIf(s.modest); ok {
			return s.begin(j, now)
		}
	}
	_, j := t.queue.pop()
	return s.begin(j, now)
}

// hire opens a connection with its first job.
func (s *schedule) hire(t *site, j *job, now time.Time) {
	s.begin(j, now)
	t.gate.Open(now)
	w := &worker{s: s, m: s.m, site: t, jobs: make(chan *job, 1), told: make(chan *job, 1), hired: time.Now()}
	t.workers++
	t.conns++
	s.conns++
	s.team[w] = struct{}{}
	s.assign(w, j)
	s.do(w.run)
}

// await has t served when a connection ends, in the turns of the accounts that
// have mail there, and ends one that is idle where there is no other.
func (s *schedule) await(t *site) {
	if t.waiting == nil {
		t.waiting = map[string]bool{}
	}
	added := false
	for account := range t.queue.turns.all() {
		if !t.waiting[account] {
			t.waiting[account], added = true, true
			s.waiting.push(account, t)
		}
	}
	if !added || !s.full() {
		return
	}
	for w := range s.parked {
		s.dismiss(w)
		return
	}
}

// park lets a worker wait for a job.
func (s *schedule) park(w *worker) {
	w.site.idle = append(w.site.idle, w)
	s.parked[w] = struct{}{}
}

func (s *schedule) unpark(w *worker) {
	i := slices.Index(w.site.idle, w)
	w.site.idle = slices.Delete(w.site.idle, i, i+1)
	delete(s.parked, w)
}

// dismiss ends a worker that waits.
func (s *schedule) dismiss(w *worker) {
	s.unpark(w)
	close(w.jobs)
}

func (s *schedule) closeIdle(t *site) {
	for len(t.idle) > 0 {
		s.dismiss(t.idle[len(t.idle)-1])
	}
}

// connected: a worker has opened a connection.
func (s *schedule) connected(w *worker) {
	t := w.site
	if !w.open {
		w.open = true
		t.open++
	}
	t.up, t.until = true, time.Time{}
	s.touch(t)
}

func (s *schedule) closed(w *worker) {
	if w.open {
		w.open = false
		w.site.open--
	}
}

// finished: a worker has settled a job and waits for the next one, unless it has it
// already.
func (s *schedule) finished(w *worker, j *job, end ending) {
	t := w.site
	s.release(w)
	s.land(j)
	s.touch(t)
	if !end.open {
		s.closed(w)
	}
	if w.leaving && w.then == nil {
		close(w.jobs)
		return
	}
	defer s.rouse()
	now := s.m.store.Now()
	if end.lost {
		t.shrink(t.limit/2, now)
	}
	switch {
	case end.spoke:
		if t.failures > 0 && t.fault == nil {
			s.m.logSiteUp(t)
		}
		t.failures, t.why = 0, ""
		if !end.lost {
			t.grow(now)
		}
	case end.lost && s.m.hosts.allIll(t.path, t.origin.Source):
		s.block(t, end.why)
	}
	s.judgeLanes(w, j, end, now)
	s.heed(t, j.message.Account, end.said, now)
	w.done++
	if w.then != nil {
		s.follow(w)
		return
	}
	if !end.open && t.queue.len() == 0 || s.yields(w, w.done) || s.tooMany(t) || s.longRest(t, now) {
		close(w.jobs) // nothing to keep, or another one's turn, or one too many
		return
	}
	s.park(w)
}

// yields reports whether a worker is to make room because other sites wait for
// a connection: when it has nothing to do, when its site has others, or when it
// has had its share, with so many done.
func (s *schedule) yields(w *worker, done int) bool {
	const fair, long = 20, 30 * time.Second
	return s.waiting.len() > 0 && s.full() &&
		(w.site.queue.len() == 0 || w.site.workers > 1 || done >= fair || time.Since(w.hired) > long)
}

// tooMany reports whether there are more connections than Reconfigure has left.
func (s *schedule) tooMany(t *site) bool {
	return t.workers > t.gate.Connections(s.m.store.Now()) || s.conns > s.m.config().Connections
}

// tooLong: a worker has waited for long enough, unless a job is on its way to it.
func (s *schedule) tooLong(w *worker) {
	if _, ok := s.parked[w]; ok {
		s.dismiss(w)
	}
}

// gone: a worker has closed its connection and ends.
func (s *schedule) gone(w *worker) {
	t := w.site
	s.closed(w)
	s.release(w)
	delete(s.team, w)
	if w.leaving {
		s.leaving--
	}
	s.conns--
	t.workers--
	t.conns--
	if t.workers == 0 {
		t.limit = 1 // feel the way again
	}
	s.letOthers(t)
	s.touch(t)
	s.rouse()
}

// rouse gives connections that are free to those that wait for one.
func (s *schedule) rouse() {
	now := s.m.store.Now()
	for s.waiting.len() > 0 && !s.full() {
		account, t := s.longing()
		if t == nil {
			return
		}
		if delete(t.waiting, account); len(t.waiting) == 0 {
			t.waiting = nil
		}
		s.touch(t)
		if s.stopping || t.blocked(now) || t.workers >= t.limit || !t.mayOpen(now) {
			continue
		}
		if j, ok := t.queue.popOf(account); ok {
			s.hire(t, j, now)
		}
	}
}

// longing takes the site that has waited longest in the turn of an account that is
// within its share, of those that have no connection at all if there are any; nil:
// none waits.
func (s *schedule) longing() (account string, t *site) {
	for range s.waiting.len() {
		var ok bool
		if account, t, ok = s.waiting.popIf(s.within); !ok || t.workers == 0 {
			return account, t
		}
		s.waiting.push(account, t)
	}
	account, t, _ = s.waiting.popIf(s.within)
	return account, t
}

// unreachable: none of the site's hosts took a connection. Where others are
// open, there were too many; else the site is down, j was the probe, and all
// else goes back.
func (s *schedule) unreachable(w *worker, j *job, failed *failure) {
	t := w.site
	s.closed(w)
	s.release(w)
	now := s.m.store.Now()
	switch {
	case failed.lacks:
		s.bindAt = time.Time{}
		s.addrIs(t.origin, failed.err)
		s.giveBack([]*job{j})
		return
	case s.stopping, s.taking.Err() != nil, t.blocked(now):
		s.giveBack([]*job{j})
		return
	case t.open > 0 && j.passed < maxPassed:
		j.passed++
		t.shrink(t.open, now)
		s.crowded421(t, failed, now)
		t.queue.unshift(j.message.Account, j)
		s.touch(t)
		return
	case t.open == 0:
		s.block(t, failed.err.Error())
	}
	s.do(func() {
		list := s.m.settleUnreached(j, failed)
		s.tell(func() {
			s.land(j)
			s.heed(t, j.message.Account, list, s.m.store.Now())
		})
	})
}

// maxPassed is how often a job is passed on by connections that could not be made.
const maxPassed = 3

// block leaves a site alone for an interval that grows with its failures.
func (s *schedule) block(t *site, why string) {
	now := s.m.store.Now()
	t.up, t.limit, t.ceiling, t.ahead = false, 1, 0, 0
	t.failures++
	t.why = why
	t.until = now.Add(s.m.config().block(t.failures))
	if t.owner != nil {
		t.owner.expires = t.until
	}
	s.m.logSiteDown(t)
	s.dueAt(t.until)
	s.disband(t)
	s.touch(t)
}
