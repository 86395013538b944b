package mailer

import (
	"time"

	"relay/store"
)

// claim asks the store for what hungry sites want, in one transaction at a time.
func (s *schedule) claim(now time.Time) {
	if s.claiming || s.stopping || time.Now().Before(s.pause) {
		return
	}
	s.pause = time.Time{}
	lanes := s.pick(now)
	if len(lanes) == 0 {
		return
	}
	want := make([]store.Want, len(lanes))
	for i, l := range lanes {
		want[i] = store.Want{Lane: l.Lane, Max: l.asked}
	}
	s.claiming = true
	s.do(func() {
		soonest := now.Add(s.m.config().shown(maxInterval))
		list, err := s.m.store.Claim(want, func(_ *store.Message, tries int) time.Time {
			at := s.m.config().retryAt(now, tries)
			if at.Before(soonest) {
				soonest = at
			}
			return at
		})
		s.tell(func() {
			s.claiming = false
			if err != nil {
				s.m.logStoreError("claim", err)
				s.pause = time.Now().Add(time.Second)
			} else {
				s.m.storeWorks("claim")
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
func (s *schedule) pick(now time.Time) []*lane {
	var lanes []*lane
	for total := 0; s.hungry.len() > 0 && total < maxClaim; {
		t := s.hungry.pop()
		t.hungry = false
		if t.blocked(now) {
			continue
		}
		n, each, spare := s.demand(t, now)
		if n == 0 {
			s.rest(t, now)
			continue
		}
		for _, l := range t.ask(n, each, spare) {
			if s.barred(l.Lane, now) || !s.throttle(t, l, now) {
				t.answered(l)
				s.leave(t, l)
				s.retire(l)
				continue
			}
			total += l.asked
			if !l.domain.usable(now) && !l.domain.asking {
				s.want(l.domain, l.Account) // the route is old; this claim still follows it
			}
			lanes = append(lanes, l)
		}
	}
	return lanes
}

// claimed hands claims to their sites, and lanes that may have more back to
// their turns.
func (s *schedule) claimed(lanes []*lane, list []store.Claimed, ok bool, now time.Time) {
	got := make(map[store.Lane]int, len(lanes))
	jobs := map[jobKey]*job{}
	for _, c := range list {
		lane := store.Lane{Domain: c.Domain, Account: c.Message.Account}
		if s.suppressed(&c) || s.fails(c, now) {
			continue
		}
		got[lane]++
		l := s.lanes[lane]
		if l == nil || !s.takeOff(c) {
			continue
		}
		t := l.turn.site
		terms := t.termsFor(l.domain)
		key := jobKey{t, c.Message.ID, terms.Key()}
		if j := jobs[key]; j != nil {
			j.claims = append(j.claims, c)
			j.again = j.again || c.Again
			continue
		}
		j := &job{site: t, path: t.path, fault: t.fault, from: t.origin.Source, message: c.Message, terms: terms,
			claims: []store.Claimed{c}, claimed: time.Now(), again: c.Again, provider: t.rowName()}
		jobs[key] = j
		t.queue.push(j.message.Account, j)
	}
	clear(s.landed)
	for _, l := range lanes {
		t := l.turn.site
		s.touch(t)
		if s.barred(l.Lane, now) { // since the claim began
			s.takeBack(t, now)
		}
		more := !ok || l.again || got[l.Lane] >= l.asked
		t.answered(l)
		s.putBack(l, more, now)
	}
	for _, l := range lanes {
		if t := l.turn; t != nil && t.site.queue.len() == 0 && len(t.site.idle) > 0 {
			t.site.ahead = min(max(2*t.site.ahead, 4*t.site.limit), maxAhead)
		}
	}
}

type jobKey struct {
	site *site
	id   store.ID
	asks string // of the TLS there, by the domains' terms
}

// putBack lets a lane stand in its turn again, or retires it.
func (s *schedule) putBack(l *lane, more bool, now time.Time) {
	t := l.turn.site
	home := s.siteFor(l.domain.place, l.Account, now)
	if !more || home == nil || home.blocked(now) || t.blocked(now) || s.barred(l.Lane, now) {
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
	t.stand(l)
}

// takeOff notes a claim as in flight. It reports false when it is already. A worker that
// has it has only got a longer lease. If the walk has it, or it is on its way back to the
// store, that is over in a moment, and the claim goes back. It reports false also when the flight ended since the claim began:
// what was claimed may be from before it was settled. That claim goes back too, which
// changes nothing where the settling came after it; where it came before, the mail would
// wait until the lease is over.
func (s *schedule) takeOff(c store.Claimed) bool {
	f := flight{c.Message.ID, c.Domain}
	who, flying := s.flights[f]
	_, landed := s.landed[f]
	switch {
	case !flying && !landed:
		s.flights[f] = byWorker
		return true
	case !flying || who != byWorker:
		s.returnClaims([]store.Claimed{c}, func() {})
	}
	return false
}

// land ends the flight of a job that is settled.
func (s *schedule) land(j *job) {
	for _, c := range j.claims {
		s.settled(flight{c.Message.ID, c.Domain})
	}
}

// settled ends a flight.
func (s *schedule) settled(f flight) {
	if s.claiming {
		s.landed[f] = struct{}{}
	}
	delete(s.flights, f)
}

// giveBack returns jobs that were not attempted to the store.
func (s *schedule) giveBack(jobs []*job) {
	if len(jobs) == 0 {
		return
	}
	var claims []store.Claimed
	for _, j := range jobs {
		j.leave()
		s.heat(j.site, -j.sends, s.m.store.Now()) // it did not go
		j.sends = 0
		claims = append(claims, j.claims...)
	}
	for _, c := range claims {
		s.flights[flight{c.Message.ID, c.Domain}] = byReturn
	}
	s.returnClaims(claims, func() {
		for _, c := range claims {
			delete(s.flights, flight{c.Message.ID, c.Domain})
		}
	})
}

func (s *schedule) returnClaims(claims []store.Claimed, then func()) {
	s.do(func() {
		if err := s.m.store.Return(claims); err != nil {
			s.m.logStoreError("return", err) // they are tried when their lease ends
		} else {
			s.m.storeWorks("return")
		}
		s.tell(func() {
			then()
			s.dueAt(s.m.store.Now())
		})
	})
}
