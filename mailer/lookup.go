package mailer

import (
	"context"

	"relay/mailer/policy"
	"relay/mailer/route"
	"relay/mailer/site"
)

// lookUp starts look-ups as far as their number allows.
func (s *schedule) lookUp() {
	for !s.stopping {
		d := s.atlas.Wanted()
		if d == nil {
			return
		}
		s.beside.Do(func() {
			path, err := s.m.routeTo(s.taking, d) // "" has the smarthost, as all that have no route of their own
			terms, fetch := s.m.policies.Terms(s.taking, d.Name, path)
			s.beside.Tell(s.atlas.LookedUp)
			if fetch != nil {
				terms = fetch() // takes the time of a web server, and no place of other look-ups
			}
			s.beside.Tell(func() { s.found(d, path, terms, err) })
		})
	}
}

// routeTo looks up the next hops of a domain, or the server of a source.
func (m *Mailer) routeTo(ctx context.Context, d *site.Domain) (*route.Path, error) {
	if d.Via != nil {
		return m.router.Via(ctx, *d.Via)
	}
	return m.router.Route(ctx, d.Name)
}

// found takes the answer of a look-up and hands the domain's lanes to the sites there.
func (s *schedule) found(d *site.Domain, path *route.Path, terms *policy.Terms, err error) {
	now := s.m.spool.Now()
	lanes := s.atlas.Found(d, path, terms, err, now)
	if err == nil {
		s.pacePlace(d.Place)
	}
	if d.Via != nil {
		s.dueAt(now) // what waits for it is in no lane of its own
	}
	for _, l := range lanes {
		s.window.Routed(l)
		t := s.siteFor(d.Place, l.Account, now)
		switch {
		case t == nil, t.Blocked(now), s.barred(l.Lane, now):
			s.retire(l)
		case !s.window.Room(t, l.Account):
			s.scan.Missed() // it was let in before anybody knew which crowd it is of
			s.retire(l)
		default:
			s.join(t, l)
		}
	}
	for _, t := range d.Place.Sites {
		s.touch(t)
	}
}

// placeOf is the place of a path.
func (s *schedule) placeOf(path *route.Path) *site.Place {
	p := s.atlas.Place(path)
	s.pacePlace(p)
	return p
}

// pacePlace gives the sites of a place the limits that are in force.
func (s *schedule) pacePlace(p *site.Place) {
	for _, t := range p.Sites {
		s.setPace(t)
	}
}

// siteAt is the site of a source at a place.
func (s *schedule) siteAt(p *site.Place, o *site.Origin) *site.Site {
	t := p.At(o)
	if t == nil {
		t = s.atlas.Add(p, o)
		if p.Path != nil {
			s.setPace(t)
		}
	}
	return t
}
