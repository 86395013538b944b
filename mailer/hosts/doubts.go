package hosts

import (
	"net/netip"
	"slices"
	"sync"

	"relay/store/spooled"
)

// Doubts remembers, by message, the hosts that may have taken it: the connection was lost
// after its final dot. The message may be there, so in that
// attempt no other host gets it. The next attempt may send it twice wherever it goes
// (RFC 1047), so it goes to the other hosts first: one that never answers the final
// dot must not keep the message from those that do.
//
// It holds a bounded number of messages and is forgotten by a restart, which costs no
// more than one further attempt at the same host.
type Doubts struct {
	mu sync.Mutex
	of map[spooled.ID][]netip.Addr // the latest one last
}

const maxDoubts = 10_000

// Add notes a host that lost the connection.
func (d *Doubts) Add(id spooled.ID, a netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.of == nil || len(d.of) >= maxDoubts {
		d.of = map[spooled.ID][]netip.Addr{}
	}
	d.of[id] = append(slices.DeleteFunc(slices.Clone(d.of[id]), func(o netip.Addr) bool { return o == a }), a)
}

// About are the hosts noted for a message, the latest one last. The slice is never
// changed.
func (d *Doubts) About(id spooled.ID) []netip.Addr {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.of[id]
}

// Settle forgets a message that has left the spool.
func (d *Doubts) Settle(id spooled.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.of, id)
}

// DoubtedLast moves the hosts that are listed behind the others, in the order of the
// list.
func DoubtedLast(hops []Hop, list []netip.Addr) {
	slices.SortStableFunc(hops, func(a, b Hop) int {
		return slices.Index(list, a.Addr.Addr()) - slices.Index(list, b.Addr.Addr())
	})
}
