package smtp

import (
	"crypto/sha256"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	maxTurnedAway = 100    // connections that are being told 421 at the same time; more are just closed
	maxOffenders  = 50_000 // addresses with failed logins that are remembered
)

// Ban keeps an address out after too many failed logins.
type Ban struct {
	Prefix netip.Prefix `json:"network"` // an IPv4 address or an IPv6 /64
	Until  time.Time    `json:"until"`
	Failed int          `json:"failed"` // different wrong logins
}

// gate counts connections and failed logins.
type gate struct {
	cfg *Config

	mu        sync.Mutex
	total     int
	away      int // of total, those that are turned away
	byAddr    map[netip.Prefix]int
	byAccount map[string]int
	offenders map[netip.Prefix]*offender
}

// offender is an address with failed logins. The same wrong login again counts
// once: a device with an old password must not lock its whole office out.
type offender struct {
	last   time.Time
	until  time.Time // of the ban; zero: none
	failed map[[8]byte]struct{}
}

func newGate(cfg *Config) *gate {
	return &gate{cfg: cfg, byAddr: make(map[netip.Prefix]int), byAccount: make(map[string]int), offenders: make(map[netip.Prefix]*offender)}
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

// enter counts a connection. why is the reply that turns it away; ok is false
// when there are too many of those. Every connection with ok must leave.
func (g *gate) enter(a netip.Addr) (why *reply, ok bool) {
	now := time.Now()
	s := site(a)
	g.mu.Lock()
	defer g.mu.Unlock()
	switch o := g.offenders[s]; {
	case g.total-g.away >= g.cfg.Connections:
		why = errBusy
	case !a.IsLoopback() && g.byAddr[s] >= g.cfg.ConnectionsPerAddress:
		why = errBusyAddr
	case o != nil && now.Before(o.until):
		why = errBanned.with("%d min", int(o.until.Sub(now).Minutes())+1)
	}
	if why != nil {
		if g.away >= maxTurnedAway {
			return why, false
		}
		g.away++
	}
	g.total++
	g.byAddr[s]++
	return why, true
}

func (g *gate) leave(a netip.Addr, away bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total--
	if away {
		g.away--
	}
	decrement(g.byAddr, site(a))
}

// enterAccount counts a connection for an account and reports whether it may be.
func (g *gate) enterAccount(name string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.byAccount[name] >= g.cfg.ConnectionsPerAccount {
		return false
	}
	g.byAccount[name]++
	return true
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

// failed counts a wrong login of an address, which mark stands for. It reports
// how many different ones there were and whether the address is banned now.
func (g *gate) failed(a netip.Addr, mark [sha256.Size]byte) (n int, banned bool) {
	if a.IsLoopback() {
		return 0, false
	}
	now := time.Now()
	s := site(a)
	g.mu.Lock()
	defer g.mu.Unlock()
	o := g.offenders[s]
	if o == nil || now.Sub(o.last) > g.cfg.BanTime && !now.Before(o.until) {
		g.makeRoom(now)
		o = &offender{failed: make(map[[8]byte]struct{})}
		g.offenders[s] = o
	}
	o.last = now
	o.failed[[8]byte(mark[:8])] = struct{}{}
	if len(o.failed) >= g.cfg.FailedLoginsPerAddress {
		o.until = now.Add(g.cfg.BanTime)
	}
	return len(o.failed), now.Before(o.until)
}

// makeRoom forgets what is over, and if that is not enough anybody.
func (g *gate) makeRoom(now time.Time) {
	if len(g.offenders) < maxOffenders {
		return
	}
	for s, o := range g.offenders {
		if now.Sub(o.last) > g.cfg.BanTime {
			delete(g.offenders, s)
		}
	}
	for s := range g.offenders {
		if len(g.offenders) < maxOffenders {
			return
		}
		delete(g.offenders, s)
	}
}

// bans are those in force, by address.
func (g *gate) bans() []Ban {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	var list []Ban
	for s, o := range g.offenders {
		if now.Before(o.until) {
			list = append(list, Ban{s, o.until.UTC(), len(o.failed)})
		}
	}
	slices.SortFunc(list, func(a, b Ban) int { return a.Prefix.Addr().Compare(b.Prefix.Addr()) })
	return list
}

// lift forgets the failed logins of an address and reports whether it was banned.
func (g *gate) lift(a netip.Addr) bool {
	s := site(a.Unmap().WithZone(""))
	g.mu.Lock()
	defer g.mu.Unlock()
	o := g.offenders[s]
	delete(g.offenders, s)
	return o != nil && time.Now().Before(o.until)
}
