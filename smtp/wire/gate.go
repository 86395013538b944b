package wire

import (
	"net/netip"
	"sync"
)

// maxTurnedAway is how many connections are told 421 at the same time; more are
// just closed.
const maxTurnedAway = 100

// Gate counts connections.
type Gate struct {
	mu        sync.Mutex
	total     int
	away      int // of total, those that are turned away
	byAddr    map[netip.Prefix]int
	byAccount map[string]int
}

// NewGate returns one without connections.
func NewGate() *Gate {
	return &Gate{byAddr: make(map[netip.Prefix]int), byAccount: make(map[string]int)}
}

// Site is what counts as one address.
func Site(a netip.Addr) netip.Prefix {
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

// Room is how many connections there may be for a further one to be let in.
func Room(most int, known bool) int {
	if known {
		return most
	}
	return most - most/keptPart
}

// Enter counts a connection. why is the reply that turns it away; ok is false
// when there are too many of those. Every connection with ok must leave.
func (g *Gate) Enter(most int) (why *Reply, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.total-g.away >= most {
		if g.away >= maxTurnedAway {
			return ErrBusy, false
		}
		g.away++
		why = ErrBusy
	}
	g.total++
	return why, true
}

// Crowded reports whether there are more than so many connections.
func (g *Gate) Crowded(most int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.total-g.away > most
}

// Open is how many connections there are, those that are turned away too.
func (g *Gate) Open() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.total
}

// Empty reports whether nothing is counted any more.
func (g *Gate) Empty() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.total == 0 && g.away == 0 && len(g.byAddr) == 0 && len(g.byAccount) == 0
}

// TurnAway makes a connection that has entered one of those that are told 421,
// and reports whether there is time for that.
func (g *Gate) TurnAway() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.away++
	return g.away <= maxTurnedAway
}

// EnterAddress counts a connection for its address and reports whether it may be.
func (g *Gate) EnterAddress(s netip.Prefix, most int) bool { return count(g, g.byAddr, s, most) }

// EnterAccount counts a connection for an account and reports whether it may be.
func (g *Gate) EnterAccount(name string, most int) bool { return count(g, g.byAccount, name, most) }

func count[K comparable](g *Gate, m map[K]int, k K, most int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if m[k] >= most {
		return false
	}
	m[k]++
	return true
}

// Leave is the end of a connection; s is zero when it was not counted for an
// address.
func (g *Gate) Leave(s netip.Prefix, away bool) {
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

// LeaveAccount ends the count of a connection for an account.
func (g *Gate) LeaveAccount(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	decrement(g.byAccount, name)
}

func decrement[K comparable](m map[K]int, k K) {
	if m[k]--; m[k] <= 0 {
		delete(m, k)
	}
}
