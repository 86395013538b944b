package host

import (
	"net/netip"
	"testing"

	"relay/report/api/act"
)

// A page goes on behind the last row of the page before, even when that ban has ended.
func TestBehind(t *testing.T) {
	network := func(text string) *act.Ban { return &act.Ban{Network: netip.MustParsePrefix(text)} }
	all := []*act.Ban{network("192.0.2.0/24"), network("192.0.2.7/32"), network("2001:db8::/64"), {Login: "acme"}, {Login: "shop"}}
	for from, last := range all {
		for i, b := range all {
			if got := behind(b, banKey(last)); got != (i > from) {
				t.Errorf("behind(%s, %s) = %v", banKey(b), banKey(last), got)
			}
		}
	}
	if !behind(all[3], banKey(network("203.0.113.1/32"))) || !behind(all[4], loginKey+"also") || !behind(all[0], "") {
		t.Error("a ban that is not in the list any more ends it")
	}
}
