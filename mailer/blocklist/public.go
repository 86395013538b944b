package blocklist

import (
	"net/netip"
	"slices"
)

// Resolvers that lists refuse, because everybody uses them, by the operator's name.
var publicResolvers = []struct {
	name string
	nets []string
}{
	{"Google", []string{"8.8.8.0/24", "8.8.4.0/24", "2001:4860:4860::/48"}},
	{"Cloudflare", []string{"1.1.1.0/24", "1.0.0.0/24", "2606:4700:4700::/48"}},
	{"Quad9", []string{"9.9.9.0/24", "149.112.112.0/24", "2620:fe::/48"}},
	{"OpenDNS", []string{"208.67.220.0/24", "208.67.222.0/24", "2620:119:35::/48", "2620:119:53::/48"}},
	{"Level 3", []string{"4.2.2.0/28", "209.244.0.0/28"}},
	{"Verisign", []string{"64.6.64.0/24", "64.6.65.0/24", "2620:74:1b::/48", "2620:74:1c::/48"}},
	{"AdGuard", []string{"94.140.14.0/24", "94.140.15.0/24", "2a10:50c0::/32"}},
	{"CleanBrowsing", []string{"185.228.168.0/24", "185.228.169.0/24"}},
	{"Control D", []string{"76.76.2.0/24", "76.76.10.0/24", "2606:1a40::/32"}},
	{"DNS.Watch", []string{"84.200.69.80/32", "84.200.70.40/32"}},
	{"Yandex", []string{"77.88.8.0/24"}},
	{"AliDNS", []string{"223.5.5.5/32", "223.6.6.6/32"}},
	{"DNSPod", []string{"119.29.29.29/32"}},
}

// Public returns the name of the public resolver among servers, which are host:port or
// addresses; "": none is one.
func Public(servers []string) string {
	for _, s := range servers {
		addr, err := netip.ParseAddr(s)
		if ap, perr := netip.ParseAddrPort(s); err != nil && perr == nil {
			addr = ap.Addr()
		} else if err != nil {
			continue
		}
		for _, r := range publicResolvers {
			if slices.ContainsFunc(r.nets, func(p string) bool { return netip.MustParsePrefix(p).Contains(addr.Unmap()) }) {
				return r.name
			}
		}
	}
	return ""
}
