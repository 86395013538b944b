package route

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// ErrNotFound says that a name does not exist (NXDOMAIN).
var ErrNotFound = errors.New("route: no such domain")

// DNSConfig says which name servers to ask, and how.
type DNSConfig struct {
	Servers []string      // host:port or host, in order; empty: those of /etc/resolv.conf
	Timeout time.Duration // of one question to one server; 0: 5 s
	Rounds  int           // how often all servers are tried; 0: 2
	Entries int           // answers kept; 0: 10,000
	Trusted bool          // all servers are believed what they say of DNSSEC; else only those on loopback
}

// DNS is a Resolver that asks name servers, over UDP and, where an answer does
// not fit, TCP. Answers are kept as long as their TTL says, and a question that
// is on its way is not asked twice. It is safe for any number of goroutines.
type DNS struct {
	cfg   DNSConfig
	cache cache
}

const resolvConf = "/etc/resolv.conf"

// NewDNS makes a DNS. It refuses a server that is no address.
func NewDNS(cfg DNSConfig) (*DNS, error) {
	if len(cfg.Servers) == 0 {
		cfg.Servers = systemServers(resolvConf)
	}
	servers := make([]string, len(cfg.Servers))
	for i, s := range cfg.Servers {
		var err error
		if servers[i], err = serverAddress(s); err != nil {
			return nil, err
		}
	}
	cfg.Servers = servers
	if cfg.Timeout <= 0 {
		cfg.Timeout = 5 * time.Second
	}
	if cfg.Rounds <= 0 {
		cfg.Rounds = 2
	}
	if cfg.Entries <= 0 {
		cfg.Entries = 10_000
	}
	d := &DNS{cfg: cfg}
	d.cache.init(cfg.Entries)
	return d, nil
}

// Servers are the name servers that are asked, host:port.
func (d *DNS) Servers() []string { return slices.Clone(d.cfg.Servers) }

// systemServers are those of resolv.conf; without them, the one on this host.
func systemServers(path string) []string {
	cc, err := dns.ClientConfigFromFile(path)
	if err != nil || len(cc.Servers) == 0 {
		return []string{"127.0.0.1:53"}
	}
	all := make([]string, len(cc.Servers))
	for i, s := range cc.Servers {
		all[i] = net.JoinHostPort(s, cc.Port)
	}
	return all
}

func serverAddress(s string) (string, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = s, "53"
	}
	if host == "" || port == "" {
		return "", fmt.Errorf("route: no such name server: %q", s)
	}
	return net.JoinHostPort(host, port), nil
}

// LookupMX are the mail exchangers of domain.
func (d *DNS) LookupMX(ctx context.Context, domain string) ([]MX, error) {
	rrs, err := d.lookup(ctx, domain, dns.TypeMX)
	if err != nil {
		return nil, err
	}
	mxs := make([]MX, 0, len(rrs))
	for _, rr := range rrs {
		if mx, ok := rr.(*dns.MX); ok {
			mxs = append(mxs, MX{mx.Preference, canonical(mx.Mx)})
		}
	}
	return mxs, nil
}

// LookupAddrs are the addresses of host, of both families. One family is enough
// where the other cannot be looked up.
func (d *DNS) LookupAddrs(ctx context.Context, host string) ([]netip.Addr, error) {
	var six []dns.RR
	var err6 error
	var wg sync.WaitGroup
	wg.Go(func() { six, err6 = d.lookup(ctx, host, dns.TypeAAAA) })
	four, err4 := d.lookup(ctx, host, dns.TypeA)
	wg.Wait()
	var addrs []netip.Addr
	for _, rr := range append(four[:len(four):len(four)], six...) {
		switch rr := rr.(type) {
		case *dns.A:
			if a, ok := netip.AddrFromSlice(rr.A.To4()); ok {
				addrs = append(addrs, a)
			}
		case *dns.AAAA:
			if a, ok := netip.AddrFromSlice(rr.AAAA.To16()); ok {
				addrs = append(addrs, a.Unmap())
			}
		}
	}
	if len(addrs) > 0 {
		return addrs, nil
	}
	for _, err := range []error{err4, err6} {
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
	}
	if err4 != nil && err6 != nil {
		return nil, ErrNotFound
	}
	return nil, nil
}
