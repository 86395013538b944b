package backmail

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Of one network no more goes to the operator than a day has room for, however much of it comes
// at the same time. What could not be stored is given back.
func TestFloods_atOnce(t *testing.T) {
	f, now := newFloods(), time.Unix(1<<30, 0)
	from := netip.MustParsePrefix("192.0.2.1/32")
	var n atomic.Int64
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if f.take(Abuse, from, 1000, now) {
				n.Add(1)
			}
		})
	}
	all.Wait()
	if n.Load() != mostOfSource {
		t.Errorf("%d went, want %d", n.Load(), mostOfSource)
	}
	f.giveBack(Abuse, from, 1000)
	if !f.take(Abuse, from, 1000, now) || f.take(Abuse, from, 1000, now) {
		t.Error("what is given back is not taken again, once")
	}
	if f.over != 81 {
		t.Errorf("%d were refused", f.over)
	}
}

// Large mail has room for fewer: what strangers send must not fill the disk.
func TestFloods_octets(t *testing.T) {
	f, now := newFloods(), time.Unix(1<<30, 0)
	const size = 20_000_000
	taken := 0
	for i := range 100 {
		from := netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), 32)
		for range 5 {
			if f.take(Abuse, from, size, now) {
				taken++
			}
		}
		if i == 0 && taken != 2 {
			t.Errorf("%d of one network", taken)
		}
	}
	if taken != 10 || f.may(Abuse, netip.MustParsePrefix("198.51.100.1/32"), now) || !f.may(Postmaster, netip.MustParsePrefix("198.51.100.1/32"), now) {
		t.Errorf("%d in all", taken)
	}
}
