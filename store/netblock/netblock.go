// Package netblock reads networks as operators write them: those by which an account is
// known without a login, and those of balancers.
package netblock

import (
	"errors"
	"fmt"
	"net/netip"
)

// The widest networks: an account known by anything wider would make an open relay.
const (
	widest4 = 8
	widest6 = 32
)

// ErrWide is a network that is too wide.
var ErrWide = errors.New("is too wide")

// Parse takes a network or a single address. Bits behind the length of the prefix are
// cleared.
func Parse(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if a, addrErr := netip.ParseAddr(s); err != nil && addrErr == nil && a.Zone() == "" {
		p, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	if err != nil {
		return p, fmt.Errorf("%q is not a network such as 192.0.2.0/28", s)
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return p, fmt.Errorf("%q: write it as an IPv4 network", s)
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	least := widest6
	if p.Addr().Is4() {
		least = widest4
	}
	if p.Bits() < least {
		return p, fmt.Errorf("network %s %w, at least /%d: it would let anybody send", s, ErrWide, least)
	}
	return p.Masked(), nil
}
