package hosts

import (
	"net/netip"
	"testing"
)

// What is known of hosts has a bound.
func TestMemory_bounded(t *testing.T) {
	var h Memory
	for i := range 3 * maxKnown {
		a := netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)})
		h.Failed(a)
		h.Loses(a, i%2 == 0)
		if len(h.known) > maxKnown {
			t.Fatalf("%d known", len(h.known))
		}
	}
}
