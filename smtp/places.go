package smtp

import (
	"container/list"
	"net/netip"
	"sync"
	"time"
)

const (
	placesFor   = 30 * 24 * time.Hour
	placesKept  = 10_000 // logins
	placesLogin = 32     // addresses of one of them
)

// places remembers from which addresses a login succeeded lately, so that a lock
// does not shut out who is at home there. The login not used for longest is
// forgotten first; all are with the process.
type places struct {
	mu    sync.Mutex
	of    map[string]*list.Element // of *homes
	order *list.List               // the last one used is at the front
}

type homes struct {
	login string
	at    []home
}

type home struct {
	site netip.Prefix
	last time.Time
}

func newPlaces() *places {
	return &places{of: make(map[string]*list.Element), order: list.New()}
}

// succeeded notes a login.
func (p *places) succeeded(login string, from netip.Prefix) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.of[login]
	if e == nil {
		e = p.order.PushFront(&homes{login: login})
		p.of[login] = e
	}
	p.order.MoveToFront(e)
	e.Value.(*homes).note(from, now)
	if p.order.Len() > placesKept {
		old := p.order.Remove(p.order.Back()).(*homes)
		delete(p.of, old.login)
	}
}

func (h *homes) note(from netip.Prefix, now time.Time) {
	oldest := 0
	for i := range h.at {
		if h.at[i].site == from {
			h.at[i].last = now
			return
		}
		if h.at[i].last.Before(h.at[oldest].last) {
			oldest = i
		}
	}
	if len(h.at) < placesLogin {
		h.at = append(h.at, home{from, now})
		return
	}
	h.at[oldest] = home{from, now}
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
