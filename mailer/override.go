package mailer

import (
	"context"
	"slices"
	"time"

	"relay/mailer/flights"
	"relay/mailer/scan"
	"relay/mailer/site"
	"relay/store/egress"
	"relay/store/spool"
	"relay/store/spooled"
)

// An override is the operator's word that a site, an account or a domain is slowed, stopped
// or bounced for a time. The store keeps them, so they outlive a restart; the schedule holds
// them in memory and looks through all lanes again when one begins or ends. There are few.

// Overridden has the mailer follow the overrides as they are stored now. It fails when the
// schedule does not answer before ctx ends.
func (m *Mailer) Overridden(ctx context.Context) error { return m.ask(ctx, (*schedule).readOverrides) }

// readOverrides reads what is stored, and looks at all mail anew.
func (s *schedule) readOverrides() {
	list, err := s.m.spool.Egress.Overrides()
	if err != nil {
		s.m.logStoreError("overrides", err)
		return
	}
	s.m.storeWorks("overrides")
	now := s.m.spool.Now()
	s.orders = site.NewOverrides(list, now)
	for t := range s.atlas.Sites {
		if t.Path != nil {
			s.setPace(t)
		}
		s.giveBack(t, t.Queue.Take())
		s.disband(t)
		s.touch(t)
	}
	s.scan.Restart()
}

// endOverrides looks at all mail anew when an override has ended.
func (s *schedule) endOverrides(now time.Time) {
	if at := s.orders.Next; !at.IsZero() && !now.Before(at) {
		s.readOverrides()
	}
}

// barred reports whether a lane is left alone: it is paused, or an override stops it. One
// that is bounced is left alone too, while its mail fails.
func (s *schedule) barred(l spooled.Lane, now time.Time) bool {
	if s.pauses.Of(l, now) != nil {
		return true
	}
	if s.orders.None() {
		return false
	}
	p := s.atlas.PlaceOf(l.Domain)
	if s.orders.Find(egress.OverrideStop, l, p, now) != nil {
		return true
	}
	o := s.orders.Find(egress.OverrideBounce, l, p, now)
	if o == nil || o.Kind == egress.OverrideAccount { // see fails
		return false
	}
	s.bounce(l, *o)
	return true
}

// bounce claims a lane's mail that is due and gives it up, wherever its site stands.
func (s *schedule) bounce(l spooled.Lane, o egress.Override) {
	if s.draining[l] || s.stopping {
		return
	}
	s.draining[l] = true
	s.beside.Do(func() {
		now := s.m.spool.Now()
		list, err := s.m.spool.Claim([]spool.Want{{Lane: l, Max: site.MaxAhead}}, func(_ *spooled.Message, tries int) time.Time {
			return s.m.config().RetryAt(now, tries)
		})
		s.beside.Tell(func() {
			delete(s.draining, l)
			if err != nil {
				s.m.logStoreError("claim", err)
				s.dueAt(now.Add(s.m.config().Shown(scan.ErrorGap)))
				return
			}
			mine := slices.DeleteFunc(list, func(c spool.Claimed) bool { return s.m.untried.Suppressed(&c) || !s.flights.TakeUp(flights.Of(&c)) })
			s.fail(mine, o)
			if len(list) > 0 {
				s.dueAt(now) // there may be more
			}
		})
	})
}

// fails reports whether a claim's mail fails because its account is bounced, and lets it
// fail. relay's own mail to the account's senders, such as the DSNs about that, goes on.
func (s *schedule) fails(c spool.Claimed, now time.Time) bool {
	if c.Message.Period == "" {
		return false
	}
	o := s.orders.Find(egress.OverrideBounce, spooled.Lane{Domain: c.Domain, Account: c.Message.Account}, nil, now)
	if o == nil || !s.flights.TakeUp(flights.Of(&c)) {
		return false
	}
	s.fail([]spool.Claimed{c}, *o)
	return true
}

// fail gives up what was claimed, which stands as taken up, by the operator's word.
func (s *schedule) fail(list []spool.Claimed, o egress.Override) {
	if len(list) == 0 {
		return
	}
	s.beside.Do(func() {
		s.m.untried.Bounce(list, &o)
		s.beside.Tell(func() {
			for _, c := range list {
				s.flights.Land(flights.Of(&c))
			}
		})
	})
}

// throttle lets a lane ask for no more than an override of its domain allows, and reports whether
// it may ask at all.
func (s *schedule) throttle(t *site.Site, l *site.Lane, now time.Time) bool {
	ok, at := s.orders.Throttle(t, l, now)
	if !ok {
		s.dueAt(at)
	}
	return ok
}
