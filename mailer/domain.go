package mailer

import (
	"context"
	"errors"
	"time"

	"relay/mailer/policy"
	"relay/mailer/route"
)

// domain is a next-hop domain and the place that its mail goes to. All domains
// that have no route of their own share one when there is a smarthost.
type domain struct {
	name    string
	place   *place        // nil: not looked up yet
	terms   *policy.Terms // of TLS there
	expires time.Time     // the place is looked up again after it
	absent  time.Time     // when the DNS first said that there is no such domain; zero: it did not
	lanes   []*lane       // wait for the look-up
	asking  bool          // the look-up is wanted
	asked   bool          // and under way

	via *route.Route // the server of a source, see origin.via; nil: it is a domain
}

const (
	routeLife  = 5 * time.Minute  // the resolver has its own cache
	staleLife  = time.Minute      // of an old route when there is no new one
	faultLife  = 10 * time.Minute // of a domain that cannot get mail
	absentLife = 24 * time.Hour   // how long the first NXDOMAIN counts
)

// usable reports whether the place is known.
func (d *domain) usable(now time.Time) bool { return d.place != nil && now.Before(d.expires) }

// unused reports whether forgetting the domain loses nothing. That it was absent
// counts until it was looked up again.
func (d *domain) unused(now time.Time) bool {
	if d.place == nil {
		return d.deserted()
	}
	doubtful := d.place.fault != nil && !d.place.fault.Permanent && now.Sub(d.absent) <= absentLife
	return d.deserted() && !doubtful && !d.place.any(func(t *site) bool { return t.blocked(now) })
}

// deserted reports whether nothing waits for the domain.
func (d *domain) deserted() bool {
	return len(d.lanes) == 0 && !d.asking && (d.place == nil || d.place.every(func(t *site) bool { return t.lanes == 0 }))
}

// routeKey is the domain, or "" for all that go to the smarthost.
func (m *Mailer) routeKey(name string) string {
	if m.config().Smarthost.Host == "" {
		return name
	}
	if _, ok := m.config().Routes[name]; ok {
		return name
	}
	return ""
}

func (s *schedule) domain(name string) *domain {
	key := s.m.routeKey(name)
	d := s.domains[key]
	if d == nil {
		d = &domain{name: key}
		s.domains[key] = d
	}
	return d
}

// want has the next hops of a domain looked up, when it is the account's turn.
func (s *schedule) want(d *domain, account string) {
	if !d.asked {
		d.asking = true
		s.unrouted.push(account, d)
	}
}

// lookUp starts look-ups as far as their number allows.
func (s *schedule) lookUp() {
	for s.routing < maxRouting && s.unrouted.len() > 0 && !s.stopping {
		_, d := s.unrouted.pop()
		if d.asked || !d.asking {
			continue // in another account's turn
		}
		d.asked = true
		s.routing++
		s.do(func() {
			path, err := s.m.routeTo(s.taking, d) // "" has the smarthost, as all that have no route of their own
			terms, fetch := s.m.policies.Terms(s.taking, d.name, path)
			s.tell(func() { s.routing-- })
			if fetch != nil {
				terms = fetch() // takes the time of a web server, and no place of other look-ups
			}
			s.tell(func() { s.found(d, path, terms, err) })
		})
	}
}

// routeTo looks up the next hops of a domain, or the server of a source.
func (m *Mailer) routeTo(ctx context.Context, d *domain) (*route.Path, error) {
	if d.via != nil {
		return m.router.Via(ctx, *d.via)
	}
	return m.router.Route(ctx, d.name)
}

// found takes the answer of a look-up and hands the domain's lanes to the sites there.
func (s *schedule) found(d *domain, path *route.Path, terms *policy.Terms, err error) {
	now := s.m.store.Now()
	d.asking, d.asked = false, false
	if err == nil {
		d.absent = time.Time{}
		d.expires = now.Add(routeLife)
		d.place, d.terms = s.placeOf(path), terms
		if old := s.places[faultKey(d.name)]; old != nil {
			for _, t := range old.sites {
				t.failures, t.until = 0, time.Time{}
			}
		}
	} else {
		s.faulty(d, s.judge(d, err, now), now)
	}
	if d.via != nil {
		s.dueAt(now) // what waits for it is in no lane of its own
	}
	lanes := d.lanes
	d.lanes = nil
	for _, l := range lanes {
		s.routed.add(l.Account, -1)
		t := s.siteFor(d.place, l.Account, now)
		switch {
		case t == nil, t.blocked(now), s.barred(l.Lane, now):
			s.retire(l)
		case !s.room(t, l.Account):
			s.scan.missed = true // it was let in before anybody knew which crowd it is of
			s.retire(l)
		default:
			s.join(t, l)
		}
	}
	for _, t := range d.place.sites {
		s.touch(t)
	}
}

// faulty is for a domain without next hops. A place that works is kept over an
// accident of the DNS.
func (s *schedule) faulty(d *domain, fault *route.Error, now time.Time) {
	if !fault.Permanent && d.place != nil && d.place.fault == nil && d.place.any(func(t *site) bool { return t.up }) {
		d.expires = now.Add(staleLife)
		return
	}
	d.expires = now.Add(faultLife)
	d.place = s.faultOf(d, fault)
}

// judge makes a fault of an error. One NXDOMAIN may be an accident: it is
// believed when a later look-up finds it again.
func (s *schedule) judge(d *domain, err error, now time.Time) *route.Error {
	fault, ok := errors.AsType[*route.Error](err)
	if !ok {
		return &route.Error{Domain: d.name, Status: "4.4.3", Text: err.Error(), Err: err}
	}
	if !fault.Confirm {
		return fault
	}
	if d.absent.IsZero() || now.Sub(d.absent) > absentLife {
		d.absent = now
		again := *fault
		again.Permanent = false
		again.Status = "4" + fault.Status[1:]
		return &again
	}
	return fault
}
