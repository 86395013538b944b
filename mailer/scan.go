package mailer

import (
	"slices"
	"time"

	"relay/store"
)

// scanState says when the store's lanes are to be looked through. Lanes that get
// new mail are told by the store; the scan finds those whose retry has come,
// those whose site was down, those that the window had no room for, and at the
// start all of them.
type scanState struct {
	at      time.Time // when it is due; store's clock
	last    time.Time
	gap     time.Duration // least time between two
	missed  bool          // a lane had no room
	retired bool          // and some has come free since
	full    time.Time     // before it a scan stops early

	from   []byte        // where the scan under way goes on; nil: none is
	whole  bool          // it goes to the end
	visits int           // lanes that it has looked at
	took   time.Duration // how long
	later  time.Time     // when another one is due, said while it is under way; zero: never
	sites  []*site       // that it is due for, too, when they are tried again
}

// All of these but fastGap are of time as it passes: what they keep small is the
// work. A store's clock that runs faster gets more of it between two scans.
const (
	minGap      = 200 * time.Millisecond // less, when the store's clock runs faster
	fastGap     = 10 * time.Millisecond  // but not less than this
	maxInterval = time.Minute
	duty        = 20 // a scan may take a part in so many of the time
)

// gap is the least time between two scans, by the store's clock.
func (c *Config) gap() time.Duration { return max(minGap, c.shown(fastGap)) }

func (s *schedule) scanDue(now time.Time) bool {
	if s.stopping {
		return false
	}
	if s.scan.at.Sub(now) > s.m.config().shown(maxInterval)+s.scan.gap { // the clock was set back
		s.scan.at = now
	}
	soon := s.scan.last.Add(s.scan.gap)
	if s.scan.missed && s.scan.retired && soon.Before(s.scan.at) {
		s.scan.at = soon
	}
	return !now.Before(s.scan.at)
}

// dueAt has the lanes looked through at that time, or as soon after it as may be.
func (s *schedule) dueAt(at time.Time) {
	if soon := s.scan.last.Add(s.scan.gap); at.Before(soon) {
		at = soon
	}
	if at.Before(s.scan.at) {
		s.scan.at = at
	}
	if s.scan.from != nil && (s.scan.later.IsZero() || at.Before(s.scan.later)) {
		s.scan.later = at
	}
}

// scanSlice is how many lanes a scan looks at in one step, so that a step stays short, and
// seenSlice how many sites.
const (
	scanSlice = 50
	seenSlice = 500
)

// seeBlocked has the lanes looked through when sites that are left alone now are tried
// again.
func (s *schedule) seeBlocked(now time.Time) {
	n := min(len(s.scan.sites), seenSlice)
	for _, t := range s.scan.sites[:n] {
		if t.blocked(now) {
			s.dueAt(t.back(now))
		}
	}
	if s.scan.sites = s.scan.sites[n:]; len(s.scan.sites) == 0 {
		s.scan.sites = nil
	}
}

// scanLanes admits lanes that are due, some in each step. Most scans stop after as many
// lanes as a few windows hold; now and then one goes on to the end, so that what waits
// behind a crowd is found as well. Neither takes more than a small part of the
// time.
func (s *schedule) scanLanes(now time.Time) {
	cfg, began, sc := s.m.config(), time.Now(), &s.scan
	if sc.from == nil {
		sc.whole, sc.visits, sc.took = !now.Before(sc.full), 0, 0
		sc.missed, sc.retired = false, false
	}
	stopped, n := false, 0
	from, next, err := s.m.store.VisitDue(sc.from, now, func(l store.Lane) bool {
		if stopped = s.crammed() || !sc.whole && sc.visits > 4*cfg.Window; stopped || n == scanSlice {
			return false
		}
		n++
		sc.visits++
		s.admit(l, now)
		return true
	})
	sc.took += time.Since(began)
	if err == nil && from != nil && !stopped {
		sc.from, sc.at = from, now
		return
	}
	later := sc.later
	sc.from, sc.later = nil, time.Time{}
	whole, took := sc.whole, sc.took
	s.scan.last = now
	if whole {
		s.scan.full = now.Add(cfg.shown(max(time.Second, duty*took)))
	}
	s.scan.gap = cfg.gap()
	if !whole || stopped {
		s.scan.gap = max(s.scan.gap, cfg.shown(duty*took))
	}
	if err != nil {
		s.m.logStoreError("lanes", err)
		s.scan.at = now.Add(cfg.shown(maxInterval / 6))
		return
	}
	s.m.storeWorks("lanes")
	s.scan.missed = s.scan.missed || stopped
	s.scan.at = now.Add(cfg.shown(maxInterval))
	switch {
	case stopped && !s.crammed():
		s.dueAt(s.scan.full) // go on to the end then
	case !stopped && !next.IsZero():
		s.dueAt(next)
	}
	if !later.IsZero() {
		s.dueAt(later) // where the scan had been already
	}
	s.scan.sites = slices.Collect(s.allSites)
	for key, p := range s.pauses {
		if s.paused(key, now) {
			s.dueAt(p.until)
		}
	}
}
