package route

import (
	"context"
	"net/netip"
)

// MX is one mail exchanger of a domain.
type MX struct {
	Preference uint16
	Host       string // lower case, no dot at the end; "" is the null MX
}

// Resolver asks the DNS. Names are lower case A-labels without a dot at the
// end. A name that exists without such records is an empty answer; one that does
// not exist is ErrNotFound; everything else is temporary. CNAMEs are followed.
type Resolver interface {
	LookupMX(ctx context.Context, domain string) ([]MX, error)
	LookupAddrs(ctx context.Context, host string) ([]netip.Addr, error) // A and AAAA
}
