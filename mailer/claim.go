package mailer

import (
	"time"

	"relay/mailer/attempt"
	"relay/mailer/flights"
	"relay/mailer/policy"
	"relay/mailer/scan"
	"relay/mailer/site"
	"relay/store/spool"
	"relay/store/spooled"
)

// claim asks the store for what hungry sites want, in one transaction at a time.
func (s *schedule) claim(now time.Time) {
	if s.flights.Claiming() || s.stopping || time.Now().Before(s.pause) {
		return
	}
	s.pause = time.Time{}
	lanes := s.pick(now)
	if len(lanes) == 0 {
		return
	}
	want := make([]spool.Want, len(lanes))
	for i, l := range lanes {
		want[i] = spool.Want{Lane: l.Lane, Max: l.Asked}
	}
	s.flights.Claim()
	s.beside.Do(func() {
		soonest := now.Add(scan.RestOf(s.m.config()))
		list, err := s.m.spool.Claim(want, func(_ *spooled.Message, tries int) time.Time {
			at := s.m.config().RetryAt(now, tries)
			if at.Before(soonest) {
				soonest = at
			}
			return at
		})
		s.beside.Tell(func() {
			if s.m.stored("claim", err); err != nil {
				s.pause = time.Now().Add(time.Second)
			}
			s.dueAt(soonest)
			s.claimed(lanes, list, err == nil, now)
		})
	})
}

// maxClaim is about how many messages one transaction claims: all of them are handed to
// their sites in one go.
const maxClaim = 128

// pick takes lanes of hungry sites, in turn.
func (s *schedule) pick(now time.Time) []*site.Lane {
	var lanes []*site.Lane
	for total := 0; s.hungry.Len() > 0 && total < maxClaim; {
		t := s.hungry.Pop()
		t.Hungry = false
		if t.Blocked(now) {
			continue
		}
		n, each, spare := s.demand(t, now)
		if n == 0 {
			s.rest(t, now)
			continue
		}
		for _, l := range t.Ask(n, each, spare) {
			if s.barred(l.Lane, now) || !s.throttle(t, l, now) {
				t.Answered(l)
				s.leave(t, l)
				s.retire(l)
				continue
			}
			total += l.Asked
			if !l.NextHop.Usable(now) && !l.NextHop.Asking {
				s.atlas.Want(l.NextHop, l.Account) // the route is old; this claim still follows it
			}
			lanes = append(lanes, l)
		}
	}
	return lanes
}

// claimed hands claims to their sites, and lanes that may have more back to
// their turns.
func (s *schedule) claimed(lanes []*site.Lane, list []spool.Claimed, ok bool, now time.Time) {
	got := make(map[spooled.Lane]int, len(lanes))
	jobs := map[jobKey]*attempt.Job{}
	for _, c := range list {
		lane := spooled.Lane{Domain: c.Domain, Account: c.Message.Account}
		if s.m.untried.Suppressed(&c) {
			continue // the store has claimed others in its place
		}
		got[lane]++
		l := s.window.Lane(lane)
		if s.fails(c, now) || l == nil || !s.takeOff(c) {
			continue
		}
		t := l.Turn.Site
		terms := t.TermsFor(l.NextHop)
		key := jobKey{t, c.Message.ID, terms.Key()}
		if j := jobs[key]; j != nil {
			j.Claims = append(j.Claims, c)
			j.Again = j.Again || c.Again
			continue
		}
		j := newJob(t, c, terms)
		jobs[key] = j
		t.Queue.Push(j.Message.Account, j)
	}
	s.flights.Claimed()
	for _, l := range lanes {
		t := l.Turn.Site
		s.touch(t)
		if s.barred(l.Lane, now) { // since the claim began
			s.takeBack(t, now)
		}
		more := !ok || l.Again || got[l.Lane] >= l.Asked
		t.Answered(l)
		s.putBack(l, more, now)
	}
	for _, l := range lanes {
		if t := l.Turn; t != nil && t.Site.Queue.Len() == 0 && len(t.Site.Idle) > 0 {
			t.Site.Ahead = min(max(2*t.Site.Ahead, 4*t.Site.Limit), site.MaxAhead)
		}
	}
}

// newJob is the job of a claim at a site.
func newJob(t *site.Site, c spool.Claimed, terms *policy.Terms) *attempt.Job {
	return &attempt.Job{Site: t.Name, Source: t.Origin.Name, Direct: t.Direct(), Path: t.Path, Fault: t.Fault, From: t.Origin.Source, Message: c.Message, Terms: terms,
		Claims: []spool.Claimed{c}, Claimed: time.Now(), Again: c.Again, Provider: t.RowName()}
}

// jobKey tells claims that go in one job.
type jobKey struct {
	site *site.Site
	id   spooled.ID
	asks string // of the TLS there, by the domains' terms
}

// putBack lets a lane stand in its turn again, or retires it.
func (s *schedule) putBack(l *site.Lane, more bool, now time.Time) {
	t := l.Turn.Site
	home := s.siteFor(l.NextHop.Place, l.Account, now)
	if !more || home == nil || home.Blocked(now) || t.Blocked(now) || s.barred(l.Lane, now) {
		s.leave(t, l)
		s.retire(l)
		return
	}
	if home != t {
		s.leave(t, l)
		s.join(home, l)
		s.touch(home)
		return
	}
	t.Stand(l)
}

// takeOff has a worker take up a claim, and reports whether it may. A claim that may be from
// before its outcome was stored goes back, see Flights.TakeOff.
func (s *schedule) takeOff(c spool.Claimed) bool {
	taken, back := s.flights.TakeOff(flights.Of(&c))
	if back {
		s.returnClaims([]spool.Claimed{c}, func() {})
	}
	return taken
}

// land ends the flight of a job that is settled.
func (s *schedule) land(j *attempt.Job) {
	for _, c := range j.Claims {
		s.flights.Land(flights.Of(&c))
	}
}

// giveBack returns jobs of a site that were not attempted to the store.
func (s *schedule) giveBack(t *site.Site, jobs []*attempt.Job) {
	if len(jobs) == 0 {
		return
	}
	var claims []spool.Claimed
	for _, j := range jobs {
		j.Leave()
		s.heat(t, -j.Sends, s.m.spool.Now()) // it did not go
		j.Sends = 0
		claims = append(claims, j.Claims...)
	}
	for _, c := range claims {
		s.flights.Return(flights.Of(&c))
	}
	s.returnClaims(claims, func() {
		for _, c := range claims {
			s.flights.Returned(flights.Of(&c))
		}
	})
}

// returnClaims gives claims back to the store. Where that fails they are tried when their lease
// ends.
func (s *schedule) returnClaims(claims []spool.Claimed, then func()) {
	s.beside.Do(func() {
		s.m.stored("return", s.m.spool.Return(claims))
		s.beside.Tell(func() {
			then()
			s.dueAt(s.m.spool.Now())
		})
	})
}
