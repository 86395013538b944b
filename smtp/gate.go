package smtp

import (
	"net/netip"
	"sync"
)

// maxTurnedAway is how many connections are told 421 at the same time; more are
// just closed.
const maxTurnedAway = 100

// gate counts connections.
type gate struct {
	mu        sync.Mutex
	total     int
	away      int // of total, those that are turned away
	byAddr    map[netip.Prefix]int
	byAccount map[string]int
}

func newGate() *gate {
	return &gate{byAddr: make(map[netip.Prefix]int), byAccount: make(map[string]int)}
}

// site is what counts as one address.
func site(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}

// keptPart of all connections is kept for those who are known: addresses that logged
// in before, and networks of accounts. Strangers cannot take it from them.
const keptPart = 8

// room is how many connections there may be for a further one to be let in.
func room(most int, known bool) int {
	if known {
		return most
	}
	return most - most/keptPart
}

// enter counts a connection. why is the reply that turns it away; ok is false
// when there are too many of those. Every connection with ok must leave.
func (g *gate) enter(most int) (why *reply, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.total-g.away >= most {
		if g.away >= maxTurnedAway {
			return errBusy, false
		}
		g.away++
		why = errBusy
	}
	g.total++
	return why, true
}

// crowded reports whether there are more than so many connections.
func (g *gate) crowded(most int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.total-g.away > most
}

// turnAway makes a connection that has entered one of those that are told 421,
// and reports whether there is time for that.
func (g *gate) turnAway() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.away++
	return g.away <= maxTurnedAway
}

// enterAddress counts a connection for its address and reports whether it may be.
func (g *gate) enterAddress(s netip.Prefix, most int) bool { return count(g, g.byAddr, s, most) }

// enterAccount counts a connection for an account and reports whether it may be.
func (g *gate) enterAccount(name string, most int) bool { return count(g, g.byAccount, name, most) }

func count[K comparable](g *gate, m map[K]int, k K, most int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if m[k] >= most {
		return false
	}
	m[k]++
	return true
}

// leave is the end of a connection; s is zero when it was not counted for an
// address.
func (g *gate) leave(s netip.Prefix, away bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total--
	if away {
		g.away--
	}
	if s.IsValid() {
		decrement(g.byAddr, s)
	}
}

func (g *gate) leaveAccount(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	decrement(g.byAccount, name)
}

func decrement[K comparable](m map[K]int, k K) {
	if m[k]--; m[k] <= 0 {
		delete(m, k)
	}
}
