package guard

import (
	"cmp"
	"container/list"
	"net/netip"
	"slices"
	"sync"
	"time"

	"relay/store"
	"relay/store/people"
)

const (
	placesFor   = 30 * 24 * time.Hour
	placesKept  = 10_000 // logins
	placesLogin = 32     // addresses of one of them

	placesStale = 24 * time.Hour // how far what is stored may lag behind
)

// places remembers the addresses from which a login succeeded lately, so that a lock, or the
// ban of a network, does not shut out customers who are at home there. The login that was not
// used for longest is forgotten first.
//
// New places are written to the store every saveEvery, all in one transaction, and at the
// end: no login waits for the disk, and a crash loses a minute of them.
type places struct {
	mu    sync.Mutex
	of    map[string]*list.Element // of *homes
	order *list.List               // the last one used is at the front
	sites map[netip.Prefix]*origin
	dirty map[string]struct{} // logins whose places are to be written
}

type homes struct {
	login string
	at    []home
}

type home struct {
	site  netip.Prefix
	last  time.Time
	saved time.Time // last, as it is stored; zero: it is not stored
}

// origin is an address from which any login succeeded.
type origin struct {
	logins int // number that have it among their places
	last   time.Time
}

func newPlaces() *places {
	return &places{of: make(map[string]*list.Element), order: list.New(),
		sites: make(map[netip.Prefix]*origin), dirty: make(map[string]struct{})}
}

// succeeded notes a login.
func (p *places) succeeded(login string, from netip.Prefix) {
	p.note(login, from, time.Now(), time.Time{})
}

func (p *places) note(login string, from netip.Prefix, now, saved time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.of[login]
	if e == nil {
		e = p.order.PushFront(&homes{login: login})
		p.of[login] = e
	}
	p.order.MoveToFront(e)
	if h := p.homeOf(e.Value.(*homes), from, now); saved.IsZero() {
		if h.last = now; now.Sub(h.saved) > placesStale {
			p.dirty[login] = struct{}{}
		}
	} else {
		h.last, h.saved = now, saved
	}
	for p.order.Len() > placesKept {
		p.forget(p.order.Back())
	}
}

// homeOf returns the entry of a login for an address. A new entry replaces the oldest one
// where there is no room.
func (p *places) homeOf(h *homes, from netip.Prefix, now time.Time) *home {
	s := p.sites[from]
	if s == nil {
		s = &origin{}
		p.sites[from] = s
	}
	if s.last.Before(now) {
		s.last = now
	}
	oldest := 0
	for i := range h.at {
		if h.at[i].site == from {
			return &h.at[i]
		}
		if h.at[i].last.Before(h.at[oldest].last) {
			oldest = i
		}
	}
	s.logins++
	if len(h.at) < placesLogin {
		h.at = append(h.at, home{site: from})
		return &h.at[len(h.at)-1]
	}
	p.left(h.at[oldest].site)
	h.at[oldest] = home{site: from}
	return &h.at[oldest]
}

// left takes one login off the count of an address.
func (p *places) left(from netip.Prefix) {
	if s := p.sites[from]; s != nil {
		if s.logins--; s.logins <= 0 {
			delete(p.sites, from)
		}
	}
}

// forget removes a login's places.
func (p *places) forget(e *list.Element) {
	h := p.order.Remove(e).(*homes)
	for i := range h.at {
		p.left(h.at[i].site)
	}
	delete(p.of, h.login)
	p.dirty[h.login] = struct{}{}
}

// known reports whether the login came from there lately.
func (p *places) known(login string, from netip.Prefix) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.of[login]
	if e == nil {
		return false
	}
	for _, h := range e.Value.(*homes).at {
		if h.site == from {
			return time.Since(h.last) < placesFor
		}
	}
	return false
}

// home reports whether any login came from there lately.
func (p *places) home(from netip.Prefix) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sites[from]
	return s != nil && time.Since(s.last) < placesFor
}

// load reads the stored places, the oldest first.
func (p *places) load(st *store.Store) error {
	type one struct {
		login string
		people.Place
	}
	var all []one
	err := st.People.Places(func(login string, at []people.Place) error {
		for _, a := range at {
			all = append(all, one{login, a})
		}
		return nil
	})
	slices.SortStableFunc(all, func(a, b one) int { return cmp.Compare(a.Last.UnixNano(), b.Last.UnixNano()) })
	for _, a := range all {
		p.note(a.login, a.Network, a.Last, a.Last)
	}
	return err
}

// unsaved returns the places to write, which count as written from now on. It leaves out
// places without a recent login, and forgets logins that have no other.
func (p *places) unsaved() map[string][]people.Place {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for e := p.order.Back(); e != nil && !e.Value.(*homes).since(now.Add(-placesFor)); e = p.order.Back() {
		p.forget(e)
	}
	of := make(map[string][]people.Place, len(p.dirty))
	for login := range p.dirty {
		of[login] = nil
		if e := p.of[login]; e != nil {
			of[login] = p.saving(e.Value.(*homes), now.Add(-placesFor))
		}
	}
	clear(p.dirty)
	return of
}

// saving drops the places of a login that were last used before old, and returns the rest.
func (p *places) saving(h *homes, old time.Time) (list []people.Place) {
	h.at = slices.DeleteFunc(h.at, func(a home) bool {
		if a.last.After(old) {
			return false
		}
		p.left(a.site)
		return true
	})
	for i := range h.at {
		a := &h.at[i]
		a.saved = a.last
		list = append(list, people.Place{Network: a.site, Last: a.last.UTC()})
	}
	return list
}

// since reports whether the login was used after that time.
func (h *homes) since(old time.Time) bool {
	return slices.ContainsFunc(h.at, func(a home) bool { return a.last.After(old) })
}

// unwritten marks places to be written the next time.
func (p *places) unwritten(of map[string][]people.Place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for login := range of {
		p.dirty[login] = struct{}{}
	}
}

// save writes what is new.
func (p *places) save(st *store.Store) error {
	of := p.unsaved()
	err := st.People.KeepPlaces(of)
	if err != nil {
		p.unwritten(of)
	}
	return err
}

// Knows reports whether any login succeeded from an address lately.
func (g *Guard) Knows(from netip.Prefix) bool { return g.places.home(from) }
