package mailer

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"relay/mailer/dsn"
	"relay/mailer/pace"
	"relay/store"
)

// An override is the operator's word that a site, an account or a domain is slowed, stopped
// or bounced for a time. The store keeps them, so they outlive a restart; the schedule holds
// them in memory and looks through all lanes again when one begins or ends. There are few.

// overrides as the schedule knows them.
type overrides struct {
	list  []store.Override // of the last days; some have ended
	next  time.Time        // when the first of those in force ends; zero: none is
	slow  map[string]*pace.Gate
	drain map[store.Lane]bool // lanes whose mail is being bounced
}

// Overridden has the mailer follow the overrides as they are stored now. It fails when the
// schedule does not answer before ctx ends.
func (m *Mailer) Overridden(ctx context.Context) error { return m.ask(ctx, (*schedule).readOverrides) }

// readOverrides reads what is stored, and looks at all mail anew.
func (s *schedule) readOverrides() {
	list, err := s.m.store.Overrides()
	if err != nil {
		s.m.logStoreError("overrides", err)
		return
	}
	s.m.storeWorks("overrides")
	now := s.m.store.Now()
	s.orders.list, s.orders.next, s.orders.slow = list, time.Time{}, nil
	for i := range list {
		if o := &list[i]; o.InForce(now) && (s.orders.next.IsZero() || o.Until.Before(s.orders.next)) {
			s.orders.next = o.Until
		}
	}
	for t := range s.allSites {
		if t.path != nil {
			s.setPace(t)
		}
		s.giveBack(t.queue.take())
		s.disband(t)
		s.touch(t)
	}
	s.scan.at, s.scan.from = time.Time{}, nil
}

// endOverrides looks at all mail anew when an override has ended.
func (s *schedule) endOverrides(now time.Time) {
	if at := s.orders.next; !at.IsZero() && !now.Before(at) {
		s.readOverrides()
	}
}

// override that does so to a lane's mail; nil: none. p is where the mail goes, nil where
// that is not known.
func (s *schedule) override(do store.OverrideDo, l store.Lane, p *place, now time.Time) *store.Override {
	for i := range s.orders.list {
		if o := &s.orders.list[i]; o.Do == do && o.InForce(now) && matches(o, l, p) {
			return o
		}
	}
	return nil
}

// matches reports whether an override is for a lane's mail.
func matches(o *store.Override, l store.Lane, p *place) bool {
	switch o.Kind {
	case store.OverrideAccount:
		return o.Target == l.Account
	case store.OverrideDomain:
		return o.Target == l.Domain
	}
	return p != nil && o.Target == p.key
}

// placeFor is where a lane's mail goes; nil: it is not known yet.
func (s *schedule) placeFor(l store.Lane) *place {
	if d := s.domains[s.m.routeKey(l.Domain)]; d != nil {
		return d.place
	}
	return nil
}

// barred reports whether a lane is left alone: it is paused, or an override stops it. One
// that is bounced is left alone too, while its mail fails.
func (s *schedule) barred(l store.Lane, now time.Time) bool {
	if s.paused(l, now) {
		return true
	}
	if len(s.orders.list) == 0 {
		return false
	}
	p := s.placeFor(l)
	if s.override(store.OverrideStop, l, p, now) != nil {
		return true
	}
	o := s.override(store.OverrideBounce, l, p, now)
	if o == nil || o.Kind == store.OverrideAccount { // see fails
		return false
	}
	s.bounce(l, *o)
	return true
}

// bounce claims a lane's mail that is due and gives it up, wherever its site stands.
func (s *schedule) bounce(l store.Lane, o store.Override) {
	if s.orders.drain[l] || s.stopping {
		return
	}
	if s.orders.drain == nil {
		s.orders.drain = map[store.Lane]bool{}
	}
	s.orders.drain[l] = true
	s.do(func() {
		now := s.m.store.Now()
		list, err := s.m.store.Claim([]store.Want{{Lane: l, Max: maxAhead}}, func(_ *store.Message, tries int) time.Time {
			return s.m.config().retryAt(now, tries)
		})
		s.tell(func() {
			delete(s.orders.drain, l)
			if err != nil {
				s.m.logStoreError("claim", err)
				s.dueAt(now.Add(s.m.config().shown(maxInterval)))
				return
			}
			mine := slices.DeleteFunc(list, func(c store.Claimed) bool { return s.suppressed(&c) || !s.grasp(c) })
			s.fail(mine, o)
			if len(list) > 0 {
				s.dueAt(now) // there may be more
			}
		})
	})
}

// grasp takes up a claim for a moment, unless a worker has it in hand.
func (s *schedule) grasp(c store.Claimed) bool {
	f := flight{c.Message.ID, c.Domain}
	if _, flying := s.flights[f]; flying {
		return false
	}
	s.flights[f] = byWalk
	return true
}

// fails reports whether a claim's mail fails because its account is bounced, and lets it
// fail. relay's own mail to the account's senders, such as the DSNs about that, goes on.
func (s *schedule) fails(c store.Claimed, now time.Time) bool {
	if c.Message.Period == "" {
		return false
	}
	o := s.override(store.OverrideBounce, store.Lane{Domain: c.Domain, Account: c.Message.Account}, nil, now)
	if o == nil || !s.grasp(c) {
		return false
	}
	s.fail([]store.Claimed{c}, *o)
	return true
}

// fail gives up what was claimed, which stands as taken up, by the operator's word.
func (s *schedule) fail(list []store.Claimed, o store.Override) {
	if len(list) == 0 {
		return
	}
	reply := fmt.Sprintf("550 5.7.1 the operator of this mail system has stopped mail of this kind (%s %s): %s", o.Kind, o.Target, o.Reason)
	results := make([]store.Result, len(list))
	for i, c := range list {
		r := &results[i]
		r.ID, r.Domain = c.Message.ID, c.Domain
		r.Event.Kind, r.Event.Note = store.EventChanged, store.NoteBounced
		for _, k := range c.Rcpts {
			rcpt := &c.Message.Recipients[k]
			out := store.Outcome{Rcpt: k, State: store.Failed, Reply: reply}
			if c.Message.Sender != "" && rcpt.WantsFailure() {
				out.DSN = &store.DSN{Action: string(dsn.Failed), Status: "5.7.1", Reply: reply}
			}
			r.Outcomes = append(r.Outcomes, out)
		}
	}
	s.do(func() {
		if s.m.commit(results) {
			s.m.logBounced(list, &o)
			s.m.logSettled(results)
		}
		s.tell(func() {
			for _, c := range list {
				s.settled(flight{c.Message.ID, c.Domain})
			}
		})
	})
}

// throttle lets a lane ask for no more than its domain may have now, where an override slows
// that. It reports whether it may ask at all.
func (s *schedule) throttle(t *site, l *lane, now time.Time) bool {
	o := s.slowOf(store.OverrideDomain, l.Domain)
	if o == nil {
		return true
	}
	if s.orders.slow == nil {
		s.orders.slow = map[string]*pace.Gate{}
	}
	g := s.orders.slow[l.Domain]
	if g == nil {
		g = &pace.Gate{}
		s.orders.slow[l.Domain] = g
	}
	limits := pace.Limits{Connections: pace.Any, Rate: o.Rate}
	n := min(l.asked, g.Free(now, limits))
	if n == 0 {
		s.dueAt(g.Next(now, limits))
		return false
	}
	g.Send(now, n, limits)
	less := l.asked - n
	l.asked, l.turn.asked, t.asked = n, l.turn.asked-less, t.asked-less
	return true
}

// slowed are a site's limits where an override slows it.
func (s *schedule) slowed(p *place, l pace.Limits) pace.Limits {
	return s.slowedBy(store.OverrideSite, p.key, l)
}

// slowedBy has the rate of the override that slows a target, if that is less.
func (s *schedule) slowedBy(kind store.OverrideKind, target string, l pace.Limits) pace.Limits {
	if o := s.slowOf(kind, target); o != nil && (l.Rate == 0 || o.Rate < l.Rate) {
		l.Rate, l.Opens = o.Rate, 0
	}
	return l
}

// slowOf is the override that slows a target; nil: none.
func (s *schedule) slowOf(kind store.OverrideKind, target string) *store.Override {
	if len(s.orders.list) == 0 {
		return nil
	}
	now := s.m.store.Now()
	for i := range s.orders.list {
		if o := &s.orders.list[i]; o.Do == store.OverrideSlow && o.Kind == kind && o.Target == target && o.InForce(now) {
			return o
		}
	}
	return nil
}

// heldBack reports whether an override stopped a job's mail since it was accepted.
func (s *schedule) heldBack(j *job) bool {
	for i := range s.orders.list {
		o := &s.orders.list[i]
		if o.Do != store.OverrideStop || !o.Until.After(j.message.Accepted) {
			continue
		}
		for _, c := range j.claims {
			if matches(o, store.Lane{Domain: c.Domain, Account: j.message.Account}, j.site.place) {
				return true
			}
		}
	}
	return false
}

// sourceByOverride is the source that an override names for an account's mail to a place; nil:
// none does, or it cannot be used there.
func (s *schedule) sourceByOverride(p *place, account string, now time.Time) *origin {
	if len(s.orders.list) == 0 {
		return nil
	}
	o := s.override(store.OverrideSource, store.Lane{Account: account}, p, now)
	if o == nil {
		return nil
	}
	for _, from := range s.origins {
		if from.name == o.Source && from.usable(now) && (from.Via != nil || p.reachedFrom(from)) {
			return from
		}
	}
	return nil
}

// inForce are the overrides for a lane's mail.
func (s *schedule) inForce(l store.Lane, now time.Time) (list []store.Override) {
	p := s.placeFor(l)
	for i := range s.orders.list {
		if o := &s.orders.list[i]; o.InForce(now) && matches(o, l, p) {
			list = append(list, *o)
		}
	}
	return list
}

// logBounced writes a line for each recipient that failed by an override.
func (m *Mailer) logBounced(list []store.Claimed, o *store.Override) {
	for _, c := range list {
		for _, i := range c.Rcpts {
			m.log.LogAttrs(context.Background(), slog.LevelInfo, "message bounced by override",
				slog.String("spool_id", c.Message.ID.String()), slog.String("account", c.Message.Account),
				slog.String("from", c.Message.Sender), slog.String("to", c.Message.Recipients[i].Address), slog.Uint64("override", o.Number))
		}
	}
}

// SourceNames are the names of the configured sources; none where the system chooses.
func (m *Mailer) SourceNames() (list []string) {
	for _, s := range m.config().Sources {
		if name := s.Name(); name != "" {
			list = append(list, name)
		}
	}
	return list
}
