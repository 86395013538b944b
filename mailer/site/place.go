package site

import (
	"time"

	"relay/mailer/route"
)

// Place is where mail goes, whatever source it leaves from: the MX hosts of one or more
// domains, a static route, or a domain that has no next hops: Fault says why. Each
// source that has mail for it is a site of its own there. Only the goroutine of
// the schedule touches it, except for the fields that never change.
type Place struct {
	Key   string
	Path  *route.Path  // the last route that led here; nil with a fault
	Fault *route.Error // instead of next hops
	Owner *Domain      // of a fault
	Since time.Time    // when a ceiling kept its mail last

	Sites []*Site // the first one made comes first
	Conns int     // connections of all sites, and those being made
	All   caps
}

// At is the site of a source there; nil: there was no mail for it yet.
func (p *Place) At(o *Origin) *Site {
	for _, t := range p.Sites {
		if t.Origin == o {
			return t
		}
	}
	return nil
}

// Any reports whether one of the sites is so.
func (p *Place) Any(is func(*Site) bool) bool {
	for _, t := range p.Sites {
		if is(t) {
			return true
		}
	}
	return false
}

// Every reports whether all sites are so; there may be none.
func (p *Place) Every(is func(*Site) bool) bool {
	return !p.Any(func(t *Site) bool { return !is(t) })
}

// Front is the site that is shown for the place: the first one that is not blocked, or
// else the first; nil: there is none yet.
func (p *Place) Front(now time.Time) *Site {
	for _, t := range p.Sites {
		if !t.Blocked(now) {
			return t
		}
	}
	if len(p.Sites) == 0 {
		return nil
	}
	return p.Sites[0]
}

// FaultKey is the key of the place of a domain that has no next hops.
func FaultKey(domain string) string { return "no next hop: " + domain }

// Waits notes that a ceiling keeps mail until then.
func (p *Place) Waits(until time.Time) {
	if until.After(p.Since) {
		p.Since = until
	}
}

// ReachedFrom reports whether one of the place's addresses is of the source's kind.
func (p *Place) ReachedFrom(o *Origin) bool {
	if p.Path == nil || !o.Addr.IsValid() {
		return true
	}
	for i := range p.Path.Hosts {
		for _, a := range p.Path.Hosts[i].Addrs {
			if o.Reaches(a) {
				return true
			}
		}
	}
	return false
}
