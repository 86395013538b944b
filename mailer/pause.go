package mailer

import (
	"slices"
	"time"

	"relay/mailer/attempt"
	"relay/mailer/site"
	"relay/store/spooled"
)

// judgeLanes notes how a job went for the lanes of its claims.
func (s *schedule) judgeLanes(w *site.Hand, j *attempt.Job, end attempt.Ending, now time.Time) {
	paused := false
	for i, c := range j.Claims {
		key := spooled.Lane{Domain: c.Domain, Account: c.Message.Account}
		switch {
		case !slices.Contains(end.Broke, i):
			if end.Spoke {
				s.pauses.Forget(key)
			}
		default:
			p := s.pauses.Break(key, max(site.MaxLosses, w.Site.Workers), end.Why, now, s.m.config().Block)
			if p != nil {
				s.m.logLanePaused(key, p)
				s.dueAt(p.Until)
				paused = true
			}
		}
	}
	if paused {
		s.takeBack(w.Site, now)
	}
}

// takeBack gives back what is claimed at a site for lanes that are left alone.
func (s *schedule) takeBack(t *site.Site, now time.Time) {
	var back []*attempt.Job
	for _, j := range t.Queue.Take() {
		stays, goes := *j, *j
		stays.Claims, goes.Claims = nil, nil
		for _, c := range j.Claims {
			if s.barred(spooled.Lane{Domain: c.Domain, Account: c.Message.Account}, now) {
				goes.Claims = append(goes.Claims, c)
			} else {
				stays.Claims = append(stays.Claims, c)
			}
		}
		if len(goes.Claims) > 0 {
			back = append(back, &goes)
		}
		if len(stays.Claims) > 0 {
			t.Queue.Push(stays.Message.Account, &stays)
		}
	}
	s.giveBack(t, back)
}
