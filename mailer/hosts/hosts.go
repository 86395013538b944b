// Package hosts is what connections to next hops found out about their hosts, by address:
// which are in trouble, how one has to speak to them, and which may have taken a message.
// All connections share it. It is in memory only: a restart finds it out again.
package hosts

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"relay/mailer/route"
	"relay/mailer/source"
)

// Hop is one address of a next hop.
type Hop struct {
	Host string
	Addr netip.AddrPort
}

// Memory is what is known of hosts, by address. It holds a bounded number of them, and
// forgets by itself.
type Memory struct {
	mu    sync.Mutex
	known map[netip.Addr]*hostState
	Back  func(failures int) time.Duration // how long a host is passed over; nil: trouble
}

// hostState is what is known of one address. Times are monotonic.
type hostState struct {
	seen time.Time // when something was noted last
	took time.Time // when it answered a transaction last

	failures int       // in a row: it took no connection, or broke off at the first MAIL
	until    time.Time // passed over until then while there are other hosts
	probing  bool      // a connection finds out whether it is well again
	broke    []string  // domains whose transactions it broke off since it last answered one

	slow  habit // one command at a time
	helo  habit // HELO, not EHLO
	clear habit // no TLS

	pipelines time.Time // until then it is known that pipelining is not what it breaks off for
}

// habit is a way to speak to a host that was found when the usual way failed.
type habit struct {
	found int       // times in a row
	until time.Time // the usual way is not tried before
}

const (
	maxDials   = 16 // addresses in one attempt; as many hosts as route looks at
	trouble    = 5 * time.Minute
	probeLease = time.Minute      // for which nobody else tries a host that one connection tries
	clearLife  = time.Hour        // of habits that cost the TLS
	clearAfter = 3                // times in a row that such a habit was needed
	habitLife  = 24 * time.Hour   // of one that costs nothing
	recently   = 10 * time.Minute // a host that answered so lately is up
	maxBroke   = 5                // domains in a row that a host may break off
	maxKnown   = 20_000
)

// state is what is known of an address, to be changed. The lock is held.
func (h *Memory) state(a netip.Addr) *hostState {
	now := time.Now()
	st := h.known[a]
	if st == nil {
		h.shed(now)
		st = &hostState{}
		h.known[a] = st
	}
	st.seen = now
	return st
}

// shed makes room for one more: what says nothing any more goes, and if that is
// not enough, all of it.
func (h *Memory) shed(now time.Time) {
	if h.known == nil {
		h.known = map[netip.Addr]*hostState{}
	}
	if len(h.known) < maxKnown {
		return
	}
	for a, st := range h.known {
		if now.Sub(st.seen) > clearLife && now.After(st.slow.until) {
			delete(h.known, a)
		}
	}
	if len(h.known) >= maxKnown*9/10 {
		clear(h.known)
	}
}

// Order returns the addresses of a path in the order to try them: those that are well,
// then those in trouble, maxDials at most. Of those whose trouble may be over, one has
// its place among the well ones and the others come after these: to find out about all
// of them would take an attempt all its time.
func (h *Memory) Order(path *route.Path, from *source.Source) (well, ill []Hop) {
	now := time.Now()
	var doubtful []Hop
	probe := false
	all := chances(path, from, maxDials)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, to := range all {
		st := h.known[to.Addr.Addr()]
		switch {
		case st == nil || st.failures == 0:
			well = append(well, to)
		case now.Before(st.until):
			ill = append(ill, to)
		case probe:
			doubtful = append(doubtful, to)
		default:
			well, probe = append(well, to), true
		}
	}
	return append(well, doubtful...), ill
}

// chances returns up to n addresses of a path that a source reaches, in the path's order.
// Where there are more, each host has its first address among them before any has its second.
func chances(path *route.Path, from *source.Source, n int) []Hop {
	var all []Hop
	var rank []int // of the address among those of its host
	for i := range path.Hosts {
		host := &path.Hosts[i]
		for k, a := range host.Addrs {
			if from != nil && !from.Reaches(a) {
				continue
			}
			all = append(all, Hop{host.Name, netip.AddrPortFrom(a, uint16(path.Port))})
			rank = append(rank, k)
		}
	}
	for most := len(all); len(all) > n; {
		most--
		for i := len(all) - 1; i >= 0 && len(all) > n; i-- {
			if rank[i] == most {
				all, rank = slices.Delete(all, i, i+1), slices.Delete(rank, i, i+1)
			}
		}
	}
	return all
}

// May reports whether a host that order said is well may be dialled still. One
// that was in trouble is tried by one connection at a time.
func (h *Memory) May(a netip.Addr) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	st := h.known[a]
	if st == nil || st.failures == 0 {
		return true
	}
	now := time.Now()
	if now.Before(st.until) {
		return false
	}
	st.until, st.probing = now.Add(probeLease), true
	return true
}

// Failed notes that a host took no connection, or broke off at the first MAIL of
// one. Several connections that find the same trouble are one failure.
func (h *Memory) Failed(a netip.Addr) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.down(h.state(a))
}

func (h *Memory) down(st *hostState) {
	now := time.Now()
	if now.Before(st.until) && !st.probing {
		return
	}
	st.failures++
	st.probing, st.broke = false, nil
	st.until = now.Add(trouble)
	if h.Back != nil {
		st.until = now.Add(h.Back(st.failures))
	}
}

// Busy notes that a host broke off at the first MAIL of a connection, and reports
// whether that is the host's trouble. If it answered others a moment ago, it was
// this mail that it did not want.
func (h *Memory) Busy(a netip.Addr, domain string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	st := h.state(a)
	if st.took.IsZero() || time.Since(st.took) > recently {
		h.down(st)
		return true
	}
	h.breaks(st, domain)
	return false
}

// Broke notes that a host broke off a transaction for a domain. Mail of one
// domain puts no host in trouble; mail of several in a row does.
func (h *Memory) Broke(a netip.Addr, domain string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.breaks(h.state(a), domain)
}

func (h *Memory) breaks(st *hostState, domain string) {
	if len(st.broke) < maxBroke && !slices.Contains(st.broke, domain) {
		st.broke = append(st.broke, domain)
	}
	if len(st.broke) >= maxBroke {
		h.down(st)
	}
}

// Answered notes that a host answered a transaction in good order.
func (h *Memory) Answered(a netip.Addr) {
	h.mu.Lock()
	defer h.mu.Unlock()
	st := h.state(a)
	st.took = st.seen
	st.failures, st.until, st.probing, st.broke = 0, time.Time{}, false, nil
}

// AllIll reports whether all hosts of a path that a source reaches are in trouble.
func (h *Memory) AllIll(path *route.Path, from *source.Source) bool {
	well, _ := h.Order(path, from)
	return len(well) == 0
}

// Manners are the habits that hold for a connection.
type Manners struct{ Slow, Helo, Clear bool }

// Manners are those that are remembered of an address.
func (h *Memory) Manners(a netip.Addr) Manners {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	st := h.known[a]
	if st == nil {
		return Manners{}
	}
	return Manners{now.Before(st.slow.until), now.Before(st.helo.until), now.Before(st.clear.until)}
}

// Needed notes that a host had to be spoken to in another way. What costs the TLS is
// remembered only when it was needed several times in a row: one accident is no reason
// to send others' mail in the clear.
func (h *Memory) Needed(a netip.Addr, needs Way) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := needs(h.state(a))
	if b.found++; b.found >= clearAfter {
		*b = habit{until: time.Now().Add(clearLife)}
	}
}

// Unneeded notes that a host understood the usual way.
func (h *Memory) Unneeded(a netip.Addr, needs Way) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known[a] != nil {
		*needs(h.state(a)) = habit{}
	}
}

// Way is another way to speak to a host, which it may need.
type Way func(*hostState) *habit

// NeedsHelo is for a host that closes at EHLO.
func NeedsHelo(st *hostState) *habit { return &st.helo }

// NeedsClear is for a host whose TLS breaks.
func NeedsClear(st *hostState) *habit { return &st.clear }

// MayLose reports whether the host may be one that loses pipelined commands.
func (h *Memory) MayLose(a netip.Addr) bool {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	st := h.known[a]
	return st == nil || now.After(st.slow.until) && now.After(st.pipelines)
}

// Loses notes whether it is one: a transaction that broke off was answered when
// it was sent again, one command at a time.
func (h *Memory) Loses(a netip.Addr, it bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	st := h.state(a)
	until := st.seen.Add(habitLife)
	if it {
		st.slow.until = until
	} else {
		st.pipelines = until
	}
}

// Forget forgets all hosts.
func (h *Memory) Forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known = nil
}
