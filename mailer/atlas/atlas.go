// Package atlas knows where mail goes: the domains that there was mail for lately, the places that
// they lead to with their sites, and which domains are to be looked up.
//
// A domain's next hops are looked up when it is the turn of an account that has mail for it, and
// hold for some minutes. Domains that lead to the same hosts share a place. A domain that has no
// next hops is a place of its own that always fails; it stays the same as long as the fault does,
// so that its failures add up. One NXDOMAIN may be an accident: it is believed when a later look-up
// finds it again, and a place that works is kept over an accident of the DNS.
//
// Domains and sites that no mail waits for are forgotten when there are many. When there are too
// many, it is forgotten as well which sites are down: to probe each again costs less.
//
// An Atlas is a value without locks that does no I/O, for the goroutine of the schedule (see
// package mailer). Nothing of it is stored: after a start every domain is looked up anew.
package atlas

import (
	"sync/atomic"
	"time"

	"relay/mailer/route"
	"relay/mailer/settings"
	"relay/mailer/site"
	"relay/mailer/turns"
)

const (
	minForget = 50_000  // domains and places that are all kept
	maxKept   = 100_000 // of which more than those with mail are kept
)

// Atlas is the domains and places that are known.
type Atlas struct {
	cfg *atomic.Pointer[settings.Config]

	domains map[string]*site.Domain
	places  map[string]*site.Place
	sites   int                     // of all places
	failing map[*site.Site]struct{} // of them, those that were left alone; some are back: see Down

	unrouted turns.Rota[*site.Domain] // next hops to be looked up
	routing  int                      // look-ups under way

	keep int // size of domains and places at which unused ones are forgotten
}

// New knows nothing yet.
func New(cfg *atomic.Pointer[settings.Config]) *Atlas {
	return &Atlas{cfg: cfg, domains: map[string]*site.Domain{}, places: map[string]*site.Place{},
		failing: map[*site.Site]struct{}{}, keep: minForget}
}

// routeKey is the domain, or "" for all that go to the smarthost.
func (a *Atlas) routeKey(name string) string {
	cfg := a.cfg.Load()
	if cfg.Smarthost.Host == "" {
		return name
	}
	if _, ok := cfg.Routes[name]; ok {
		return name
	}
	return ""
}

// Find is the domain by which mail for a domain goes; nil: nothing is known of it.
func (a *Atlas) Find(name string) *site.Domain { return a.domains[a.routeKey(name)] }

// PlaceOf is where mail for a domain goes; nil: it is not known yet.
func (a *Atlas) PlaceOf(name string) *site.Place {
	if d := a.Find(name); d != nil {
		return d.Place
	}
	return nil
}

// Domain is the domain by which mail for a domain goes, a new one if nothing is known of it.
func (a *Atlas) Domain(name string) *site.Domain {
	key := a.routeKey(name)
	d := a.domains[key]
	if d == nil {
		d = &site.Domain{Name: key}
		a.domains[key] = d
	}
	return d
}

// Domains goes through all domains.
func (a *Atlas) Domains(yield func(*site.Domain) bool) {
	for _, d := range a.domains {
		if !yield(d) {
			return
		}
	}
}

// Place is the place of a path. Its sites follow the path from now on, at a pace that the caller
// sets.
func (a *Atlas) Place(path *route.Path) *site.Place {
	p := a.places[path.Site]
	if p == nil {
		p = &site.Place{Key: path.Site}
		a.places[p.Key] = p
	}
	p.Path = path
	return p
}

// Add makes the site of a source at a place that has none. The caller sets its pace.
func (a *Atlas) Add(p *site.Place, o *site.Origin) *site.Site {
	t := site.New(p, o)
	p.Sites = append(p.Sites, t)
	a.sites++
	return t
}

// Len is how many sites there are.
func (a *Atlas) Len() int { return a.sites }

// Sites goes through the sites of all places.
func (a *Atlas) Sites(yield func(*site.Site) bool) {
	for _, p := range a.places {
		for _, t := range p.Sites {
			if !yield(t) {
				return
			}
		}
	}
}

// Failed notes that a site is left alone.
func (a *Atlas) Failed(t *site.Site) { a.failing[t] = struct{}{} }

// Down is how many sites are left alone after failures. It looks at those that something was
// wrong with, not at all.
func (a *Atlas) Down(now time.Time) int {
	for t := range a.failing {
		if !t.Down(now) {
			delete(a.failing, t)
		}
	}
	return len(a.failing)
}

// Forget drops what is known of domains and sites that nothing waits for, when there are many;
// when there are too many, also which ones are down. put is told of each site that is dropped.
func (a *Atlas) Forget(now time.Time, put func(*site.Site)) {
	if len(a.domains)+len(a.places) < a.keep {
		return
	}
	a.drop(func(d *site.Domain) bool { return d.Unused(now) }, func(t *site.Site) bool { return t.Unused(now) }, put)
	if len(a.domains)+len(a.places) > maxKept {
		a.drop((*site.Domain).Deserted, (*site.Site).Deserted, put)
	}
	a.keep = min(max(minForget, 2*(len(a.domains)+len(a.places))), 2*maxKept)
}

// drop forgets the domains chosen, and then sites that no domain leads to.
func (a *Atlas) drop(domains func(*site.Domain) bool, sites func(*site.Site) bool, put func(*site.Site)) {
	for name, d := range a.domains {
		if domains(d) {
			delete(a.domains, name)
		}
	}
	used := map[*site.Place]bool{}
	for _, d := range a.domains {
		if d.Place != nil {
			used[d.Place] = true
		}
	}
	for key, p := range a.places {
		if used[p] || !p.Every(func(t *site.Site) bool { return !t.Dirty && !t.Hungry && t.Waiting == nil && sites(t) }) {
			continue
		}
		for _, t := range p.Sites {
			put(t)
			delete(a.failing, t)
		}
		a.sites -= len(p.Sites)
		delete(a.places, key)
	}
}
