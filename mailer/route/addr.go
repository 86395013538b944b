package route

import (
	"math/rand/v2"
	"net/netip"
	"slices"
)

// order is the addresses of a host as they are to be tried: shuffled (RFC 5321
// §5.1), IPv4 first, since more receivers judge it kindly.
func order(addrs []netip.Addr) []netip.Addr {
	addrs = slices.Clone(addrs)
	for i, a := range addrs {
		addrs[i] = a.Unmap()
	}
	rand.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	slices.SortStableFunc(addrs, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
	return addrs
}

// permitted are the hosts with the addresses that may be dialled.
func (r *Router) permitted(hosts []Host) []Host {
	if r.cfg.AllowPrivate {
		return hosts
	}
	var kept []Host
	for _, h := range hosts {
		h.Addrs = slices.DeleteFunc(slices.Clone(h.Addrs), func(a netip.Addr) bool { return !Public(a) })
		if len(h.Addrs) > 0 {
			kept = append(kept, h)
		}
	}
	return kept
}

// special are networks in which no mail host of the internet stands, besides
// those that netip.Addr knows by name (RFC 6890).
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // carriers' NAT
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), // benchmarks
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("100::/64"),  // discarded
	netip.MustParsePrefix("fec0::/10"), // site-local, once
	netip.MustParsePrefix("::/96"),     // IPv4-compatible, once
	netip.MustParsePrefix("64:ff9b:1::/48"),
}

// embedding are IPv6 networks whose addresses stand for an IPv4 address, and
// where it begins.
var embedding = []struct {
	net netip.Prefix
	at  int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12}, // NAT64 (RFC 6052)
	{netip.MustParsePrefix("2002::/16"), 2},     // 6to4 (RFC 3056)
}

// Public reports whether a may be the address of a mail host of the internet.
func Public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false // loopback, link-local, multicast, unspecified, broadcast; private
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	for _, e := range embedding {
		if e.net.Contains(a) {
			b := a.As16()
			return Public(netip.AddrFrom4([4]byte(b[e.at : e.at+4])))
		}
	}
	return true
}
