package mailer

import (
	"time"

	"relay/mailer/route"
)

// place is where mail goes, whatever source it leaves from: the MX hosts of one or more
// domains, a static route, or a domain that has no next hops, which fault says why. Each
// source that has mail for it is a site of its own there. Only the goroutine of
// schedule.run touches it, except for the fields that never change.
type place struct {
	key   string
	path  *route.Path  // the last route that led here; nil with a fault
	fault *route.Error // instead of next hops
	owner *domain      // of a fault
	since time.Time    // when a ceiling kept its mail last

	sites []*site // the first one made comes first
	conns int     // connections of all sites, and those being made
	all   caps
}

// at is the site of a source there; nil: it had no mail for it yet.
func (p *place) at(o *origin) *site {
	for _, t := range p.sites {
		if t.origin == o {
			return t
		}
	}
	return nil
}

// any reports whether one of the sites is so.
func (p *place) any(is func(*site) bool) bool {
	for _, t := range p.sites {
		if is(t) {
			return true
		}
	}
	return false
}

// every reports whether all sites are so; there may be none.
func (p *place) every(is func(*site) bool) bool {
	return !p.any(func(t *site) bool { return !is(t) })
}

// front is the site that says most of the place: the first one that is not blocked, or
// else the first; nil: there is none yet.
func (p *place) front(now time.Time) *site {
	for _, t := range p.sites {
		if !t.blocked(now) {
			return t
		}
	}
	if len(p.sites) == 0 {
		return nil
	}
	return p.sites[0]
}

// placeOf is the place of a path. Its sites follow the path.
func (s *schedule) placeOf(path *route.Path) *place {
	p := s.places[path.Site]
	if p == nil {
		p = &place{key: path.Site}
		s.places[p.key] = p
	}
	p.path = path
	for _, t := range p.sites {
		s.setPace(t)
	}
	return p
}

// faultOf is the place of a domain that has no next hops. It stays the same as
// long as the fault does, so that its failures add up.
func (s *schedule) faultOf(d *domain, fault *route.Error) *place {
	p := s.places[faultKey(d.name)]
	if p == nil {
		p = &place{key: faultKey(d.name), owner: d}
		s.places[p.key] = p
	}
	p.fault = fault
	return p
}

func faultKey(domain string) string { return "no next hop: " + domain }

// siteAt is the site of a source at a place.
func (s *schedule) siteAt(p *place, o *origin) *site {
	t := p.at(o)
	if t == nil {
		t = newSite(p, o)
		p.sites = append(p.sites, t)
		if p.path != nil {
			s.setPace(t)
		}
	}
	return t
}

// allSites goes through the sites of all places.
func (s *schedule) allSites(yield func(*site) bool) {
	for _, p := range s.places {
		for _, t := range p.sites {
			if !yield(t) {
				return
			}
		}
	}
}
