package spf

import (
	"net/netip"
	"slices"
	"strings"
)

// Term lets an address send.
func Term(a netip.Addr) string {
	if a.Is4() {
		return "ip4:" + a.String()
	}
	return "ip6:" + a.String()
}

// Record lets the hosts of its terms send, and no others.
func Record(terms []string) string {
	return strings.Join(slices.Concat([]string{"v=spf1"}, terms, []string{"-all"}), " ")
}
