package mailer

import (
	"net/netip"
	"slices"
	"sync"

	"relay/store"
)

// doubts remembers, by message, the hosts that left it unsaid whether they took it:
// the connection was lost after its final dot. The message may be there, so in that
// attempt no other host gets it. The next attempt may send it twice wherever it goes
// (RFC 1047), so it goes to the other hosts first: one that never answers the final
// dot must not keep the message from those that do.
//
// It holds a bounded number of messages and is forgotten by a restart, which costs no
// more than one further attempt at the same host.
type doubts struct {
	mu sync.Mutex
	of map[store.ID][]netip.Addr // the latest one last
}

const maxDoubts = 10_000

// add notes a host that lost the connection.
func (d *doubts) add(id store.ID, a netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.of == nil || len(d.of) >= maxDoubts {
		d.of = map[store.ID][]netip.Addr{}
	}
	d.of[id] = append(slices.DeleteFunc(slices.Clone(d.of[id]), func(o netip.Addr) bool { return o == a }), a)
}

// about are the hosts noted for a message, the latest one last. The slice is never
// changed.
func (d *doubts) about(id store.ID) []netip.Addr {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.of[id]
}

// settle forgets a message that has left the spool.
func (d *doubts) settle(id store.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.of, id)
}

// doubtedLast moves the hosts that are listed behind the others, in the order of the
// list.
func doubtedLast(hops []hop, list []netip.Addr) {
	slices.SortStableFunc(hops, func(a, b hop) int {
		return slices.Index(list, a.addr.Addr()) - slices.Index(list, b.addr.Addr())
	})
}
