package mailer

import (
	"slices"
	"time"

	"relay/store"
)

// pause is what is known of a lane whose connections the next hops break off, with
// a 421 or without a word. They do not want the account's mail to the domain: that
// is left alone for an interval that grows, and nobody else's mail.
type pause struct {
	losses   int       // attempts broken off in a row since the last pause
	failures int       // pauses in a row
	until    time.Time // store's clock
	why      string
}

const (
	maxLosses = 5      // attempts in a row that may be broken off before a lane is left alone
	maxPauses = 20_000 // lanes of which something is remembered
)

// judgeLanes notes how a job went for the lanes of its claims.
func (s *schedule) judgeLanes(w *worker, j *job, end ending, now time.Time) {
	paused := false
	for i, c := range j.claims {
		key := store.Lane{Domain: c.Domain, Account: c.Message.Account}
		switch {
		case !slices.Contains(end.broke, i):
			if end.spoke {
				delete(s.pauses, key)
			}
		case s.breaks(key, max(maxLosses, w.site.workers), end.why, now):
			paused = true
		}
	}
	if paused {
		s.takeBack(w.site, now)
	}
}

// breaks notes an attempt that was broken off and reports whether the lane is
// left alone for it. One that has just been left alone gets one attempt.
func (s *schedule) breaks(key store.Lane, most int, why string, now time.Time) bool {
	if s.paused(key, now) {
		return false // begun before
	}
	p := s.pauses[key]
	if p == nil {
		s.shedPauses(now)
		p = &pause{}
		s.pauses[key] = p
	}
	if p.losses++; p.losses < most && p.failures == 0 {
		return false
	}
	p.losses = 0
	p.failures++
	p.until, p.why = now.Add(s.m.config().block(p.failures)), why
	s.m.logLanePaused(key, p)
	s.dueAt(p.until)
	return true
}

// paused reports whether a lane is left alone.
func (s *schedule) paused(key store.Lane, now time.Time) bool {
	p := s.pauses[key]
	return p != nil && now.Before(p.until) && p.until.Sub(now) <= maxBlock
}

// shedPauses makes room for one more.
func (s *schedule) shedPauses(now time.Time) {
	if len(s.pauses) < maxPauses {
		return
	}
	for key := range s.pauses {
		if !s.paused(key, now) {
			delete(s.pauses, key)
		}
	}
	if len(s.pauses) >= maxPauses {
		clear(s.pauses) // to try each of them costs less
	}
}

// takeBack gives back what is claimed at a site for lanes that are left alone.
func (s *schedule) takeBack(t *site, now time.Time) {
	var back []*job
	for _, j := range t.queue.take() {
		stays, goes := *j, *j
		stays.claims, goes.claims = nil, nil
		for _, c := range j.claims {
			if s.barred(store.Lane{Domain: c.Domain, Account: c.Message.Account}, now) {
				goes.claims = append(goes.claims, c)
			} else {
				stays.claims = append(stays.claims, c)
			}
		}
		if len(goes.claims) > 0 {
			back = append(back, &goes)
		}
		if len(stays.claims) > 0 {
			t.queue.push(stays.message.Account, &stays)
		}
	}
	s.giveBack(back)
}

// resume forgets what is known of the lanes to a domain; "": of all.
func (s *schedule) resume(domain string) {
	for key := range s.pauses {
		if domain == "" || key.Domain == domain {
			delete(s.pauses, key)
		}
	}
}

// pausedDomains are the domains that a lane is left alone to, with the pause that
// ends last.
func (s *schedule) pausedDomains(now time.Time) map[string]*pause {
	list := map[string]*pause{}
	for key, p := range s.pauses {
		if last := list[key.Domain]; s.paused(key, now) && (last == nil || p.until.After(last.until)) {
			list[key.Domain] = p
		}
	}
	return list
}
