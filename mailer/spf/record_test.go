package spf

import (
	"net/netip"
	"testing"
)

func TestRecord(t *testing.T) {
	for want, terms := range map[string][]string{
		"v=spf1 -all": nil,
		"v=spf1 ip4:192.0.2.10 ip6:2001:db8::10 -all": {Term(netip.MustParseAddr("192.0.2.10")), Term(netip.MustParseAddr("2001:db8::10"))},
	} {
		if got := Record(terms); got != want {
			t.Errorf("Record(%v) = %s", terms, got)
		}
	}
}
