package mailer

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"relay/mailer/route"
	"relay/mailer/source"
)

// hop is one address of a next hop.
type hop struct {
	host string
	addr netip.AddrPort
}

// hostMemory is what connections found out about hosts, by address: which ones
// are in trouble, and how one has to speak to them. It is shared by all workers,
// holds a bounded number of hosts, and forgets by itself.
type hostMemory struct {
	mu    sync.Mutex
	known map[netip.Addr]*hostState
	back  func(failures int) time.Duration // how long a host is passed over; nil: trouble
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
func (h *hostMemory) state(a netip.Addr) *hostState {
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
func (h *hostMemory) shed(now time.Time) {
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

// order is the addresses of a path as they are to be tried, those that are well
// before those in trouble, and no more than maxDials. Of those whose trouble may be
// over, one has its place among the others and the rest come last: to find out about
// all of them would take an attempt all its time.
func (h *hostMemory) order(path *route.Path, from *source.Source) (well, ill []hop) {
	now := time.Now()
	var doubtful []hop
	probe := false
	all := chances(path, from, maxDials)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, to := range all {
		st := h.known[to.addr.Addr()]
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

// chances is up to n addresses of a path that a source reaches, in its order. Where there are more,
// each host has its first address among them before any has its second.
func chances(path *route.Path, from *source.Source, n int) []hop {
	var all []hop
	var rank []int // of the address among those of its host
	for i := range path.Hosts {
		host := &path.Hosts[i]
		for k, a := range host.Addrs {
			if from != nil && !from.Reaches(a) {
				continue
			}
			all = append(all, hop{host.Name, netip.AddrPortFrom(a, uint16(path.Port))})
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

// may reports whether a host that order said is well may be dialled still. One
// that was in trouble is tried by one connection at a time.
func (h *hostMemory) may(a netip.Addr) bool {
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

// failed notes that a host took no connection, or broke off at the first MAIL of
// one. Several connections that find the same trouble are one failure.
func (h *hostMemory) failed(a netip.Addr) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.down(h.state(a))
}

func (h *hostMemory) down(st *hostState) {
	now := time.Now()
	if now.Before(st.until) && !st.probing {
		return
	}
	st.failures++
	st.probing, st.broke = false, nil
	st.until = now.Add(trouble)
	if h.back != nil {
		st.until = now.Add(h.back(st.failures))
	}
}

// busy notes that a host broke off at the first MAIL of a connection, and reports
// whether that is the host's trouble. If it answered others a moment ago, it was
// this mail that it did not want.
func (h *hostMemory) busy(a netip.Addr, domain string) bool {
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

// broke notes that a host broke off a transaction for a domain. Mail of one
// domain puts no host in trouble; mail of several in a row does.
func (h *hostMemory) broke(a netip.Addr, domain string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.breaks(h.state(a), domain)
}

func (h *hostMemory) breaks(st *hostState, domain string) {
	if len(st.broke) < maxBroke && !slices.Contains(st.broke, domain) {
		st.broke = append(st.broke, domain)
	}
	if len(st.broke) >= maxBroke {
		h.down(st)
	}
}

// answered notes that a host answered a transaction in good order.
func (h *hostMemory) answered(a netip.Addr) {
	h.mu.Lock()
	defer h.mu.Unlock()
	st := h.state(a)
	st.took = st.seen
	st.failures, st.until, st.probing, st.broke = 0, time.Time{}, false, nil
}

// allIll reports whether all hosts of a path that a source reaches are in trouble.
func (h *hostMemory) allIll(path *route.Path, from *source.Source) bool {
	well, _ := h.order(path, from)
	return len(well) == 0
}

// manners are the habits that hold for a connection.
type manners struct{ slow, helo, clear bool }

func (h *hostMemory) manners(a netip.Addr) manners {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	st := h.known[a]
	if st == nil {
		return manners{}
	}
	return manners{now.Before(st.slow.until), now.Before(st.helo.until), now.Before(st.clear.until)}
}

// needed notes that a host had to be spoken to in another way. What costs the TLS is
// remembered only when it was needed several times in a row: one accident is no reason
// to send others' mail in the clear.
func (h *hostMemory) needed(a netip.Addr, which func(*hostState) *habit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := which(h.state(a))
	if b.found++; b.found >= clearAfter {
		*b = habit{until: time.Now().Add(clearLife)}
	}
}

// unneeded notes that a host understood the usual way.
func (h *hostMemory) unneeded(a netip.Addr, which func(*hostState) *habit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known[a] != nil {
		*which(h.state(a)) = habit{}
	}
}

func heloHabit(st *hostState) *habit  { return &st.helo }
func clearHabit(st *hostState) *habit { return &st.clear }

// mayLose reports whether the host may be one that loses pipelined commands.
func (h *hostMemory) mayLose(a netip.Addr) bool {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	st := h.known[a]
	return st == nil || now.After(st.slow.until) && now.After(st.pipelines)
}

// loses notes whether it is one: a transaction that broke off was answered when
// it was sent again, one command at a time.
func (h *hostMemory) loses(a netip.Addr, it bool) {
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

func (h *hostMemory) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.known = nil
}
