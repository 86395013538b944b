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
// those that netip.Addr knows by name (RFC 6890, and the registries it founded).
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // carriers' NAT
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),   // documentation (RFC 5737)
	netip.MustParsePrefix("192.88.99.0/24"), // relays of 6to4, once (RFC 7526)
	netip.MustParsePrefix("198.18.0.0/15"),  // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2001::/23"),     // of protocols, Teredo among them (RFC 2928, RFC 4380)
	netip.MustParsePrefix("2001:db8::/32"), // documentation (RFC 3849)
	netip.MustParsePrefix("2002::/16"),     // 6to4 (RFC 3056): a tunnel to an IPv4 address
	netip.MustParsePrefix("3fff::/20"),     // documentation (RFC 9637)
}

var (
	// global is where IPv6 addresses of the internet are allocated. Outside it are
	// the forms that stand for an IPv4 address (compatible, SIIT, local NAT64),
	// site-local and discarded ones, and those of segment routing.
	global = netip.MustParsePrefix("2000::/3")

	// nat64 is how a resolver for hosts without IPv4 writes an IPv4 address (RFC 6052 §2.1).
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
)

// Public reports whether a may be the address of a mail host of the internet.
func Public(a netip.Addr) bool {
	a = plain(a)
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false // loopback, link-local, multicast, unspecified, broadcast; private
	}
	if a.Is6() && (!global.Contains(a) || isatap(a)) {
		return false
	}
	return !slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(a) })
}

// plain is the IPv4 address that a stands for where that is the one reached in the
// end; else a, without its zone.
func plain(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if nat64.Contains(a) {
		b := a.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return a
}

// isatap reports whether the interface of a is an IPv4 address, behind a tunnel
// (RFC 5214 §6.1).
func isatap(a netip.Addr) bool {
	b := a.As16()
	return (b[8] == 0 || b[8] == 2) && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}
