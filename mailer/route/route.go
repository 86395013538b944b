package route

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"relay/mailer/client"
)

// Route is a static next hop: a smarthost.
type Route struct {
	Host string         // name or address, also in brackets; no MX is asked for. "": no static route
	Port int            // 0: 25, with client.TLSImplicit 465
	TLS  client.TLSMode // zero: STARTTLS where offered; with Auth, and not to a loopback address, it is required
	Auth *client.Auth   // nil: none

	Connections int // at once; 0: as the configuration says
}

// Host is one next hop with its addresses, in the order in which to try them.
type Host struct {
	Name  string       // lower case, no dot at the end; an address literal in brackets
	Addrs []netip.Addr // never empty; IPv4 first
}

// Path is the way to a domain. It is shared: do not change it.
type Path struct {
	Site  string         // key: MX hosts, sorted, joined by commas; host:port and the terms of a static route
	Hosts []Host         // in the order in which to try them, never empty
	Port  int            // to dial
	TLS   client.TLSMode // what the route demands
	Auth  *client.Auth   // login; nil: none
	Fixed bool           // a static route, not found by MX
	Own   client.TLSMode // what the domain's own route to its MX hosts says; it is of this domain only, the rest of all that share the site

	Connections int // at once, of a static route; 0: not said
}

// Config says how to find next hops.
type Config struct {
	Resolver     Resolver         // nil: NewDNS(DNSConfig{})
	Hostname     string           // ours: an MX of this name is a loop
	Self         []netip.Addr     // ours: an MX with this address is a loop
	Port         int              // of MX hosts; 0: 25
	AllowPrivate bool             // loopback, private, link-local addresses are next hops like others
	Smarthost    Route            // for all domains without one in Routes; zero: MX
	Routes       map[string]Route // by domain, lower case A-labels
}

// Router finds next hops. It is safe for any number of goroutines.
type Router struct{ cfg Config }

// New checks cfg.
func New(cfg Config) (*Router, error) {
	if cfg.Resolver == nil {
		d, err := NewDNS(DNSConfig{})
		if err != nil {
			return nil, err
		}
		cfg.Resolver = d
	}
	if cfg.Port == 0 {
		cfg.Port = 25
	}
	if cfg.Port < 0 || cfg.Port > 65535 {
		return nil, fmt.Errorf("route: no such port: %d", cfg.Port)
	}
	cfg.Hostname = canonical(cfg.Hostname)
	cfg.Self = slices.Clone(cfg.Self)
	for i, a := range cfg.Self {
		cfg.Self[i] = plain(a)
	}
	if err := cfg.Smarthost.normalize(); err != nil {
		return nil, err
	}
	routes := make(map[string]Route, len(cfg.Routes))
	for domain, rt := range cfg.Routes {
		if err := rt.normalize(); err != nil {
			return nil, fmt.Errorf("%w (for %s)", err, domain)
		}
		routes[canonical(domain)] = rt
	}
	cfg.Routes = routes
	return &Router{cfg}, nil
}

// normalize checks a static route and fills in its port.
func (rt *Route) normalize() error {
	if rt.Host == "" {
		return nil
	}
	host := strings.TrimSuffix(strings.TrimPrefix(rt.Host, "["), "]")
	addr, err := netip.ParseAddr(host)
	if err != nil {
		if host = canonical(host); !validName(host) {
			return fmt.Errorf("route: no such host: %q", rt.Host)
		}
	}
	rt.Host = host
	if rt.Auth != nil && (rt.TLS == client.TLSOpportunistic || rt.TLS == client.TLSEncrypted) && !addr.Unmap().IsLoopback() {
		rt.TLS = client.TLSRequired // else anyone on the way could have the password
	}
	if rt.Port == 0 {
		if rt.Port = 25; rt.TLS == client.TLSImplicit {
			rt.Port = 465
		}
	}
	if rt.Port < 0 || rt.Port > 65535 {
		return fmt.Errorf("route: no such port: %d", rt.Port)
	}
	return nil
}

// Route finds the way to domain: lower case A-labels, or an address literal in
// brackets. Its error is an *Error, or the context's.
func (r *Router) Route(ctx context.Context, domain string) (*Path, error) {
	domain = canonical(domain)
	if rt, ok := r.static(domain); ok {
		return r.fixed(ctx, domain, rt)
	}
	if strings.HasPrefix(domain, "[") {
		return r.literal(domain)
	}
	if !validName(domain) {
		return nil, &Error{Domain: domain, Permanent: true, Status: "5.1.2", Text: "the domain " + strconv.Quote(domain) + " is not a name that can exist"}
	}
	return r.byMX(ctx, domain)
}

// Via is the way over another server, whatever the domain is.
func (r *Router) Via(ctx context.Context, rt Route) (*Path, error) {
	if err := rt.normalize(); err != nil {
		return nil, err
	}
	return r.fixed(ctx, rt.Host, rt)
}

func (r *Router) static(domain string) (Route, bool) {
	if rt, ok := r.cfg.Routes[domain]; ok {
		return rt, rt.Host != "" // a domain's empty route leads round the smarthost to its MX
	}
	return r.cfg.Smarthost, r.cfg.Smarthost.Host != ""
}

// fixed is the way over a static route. The operator named it: no address is
// refused, and what is wrong with it is never the message's fault.
func (r *Router) fixed(ctx context.Context, domain string, rt Route) (*Path, error) {
	p := &Path{
		Site: rt.site(),
		Port: rt.Port, TLS: rt.TLS, Auth: rt.Auth, Fixed: true, Connections: rt.Connections,
	}
	if a, err := netip.ParseAddr(rt.Host); err == nil {
		p.Hosts = []Host{{Name: rt.Host, Addrs: []netip.Addr{a}}}
		return p, nil
	}
	addrs, err := r.cfg.Resolver.LookupAddrs(ctx, rt.Host)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil || len(addrs) == 0 {
		return nil, &Error{Domain: domain, Status: "4.4.3", Text: "no address of the smarthost " + rt.Host + " was found", Err: err}
	}
	p.Hosts = []Host{{Name: rt.Host, Addrs: order(addrs)}}
	return p, nil
}

// site is the key of a static route. Routes to one host that differ in TLS or
// login share no connection.
func (rt *Route) site() string {
	key := net.JoinHostPort(rt.Host, strconv.Itoa(rt.Port)) + terms[rt.TLS]
	if rt.Auth != nil {
		key += " as " + rt.Auth.Username
	}
	return key
}

var terms = map[client.TLSMode]string{
	client.TLSNone:      " without TLS",
	client.TLSRequired:  " with STARTTLS",
	client.TLSImplicit:  " with TLS",
	client.TLSEncrypted: " with STARTTLS, certificate not verified",
}

// literal is the way to [192.0.2.1] or [IPv6:2001:db8::1] (RFC 5321 §4.1.3).
func (r *Router) literal(domain string) (*Path, error) {
	s, closed := strings.CutSuffix(domain[1:], "]")
	six := false
	if len(s) > 5 && strings.EqualFold(s[:5], "ipv6:") {
		s, six = s[5:], true
	}
	a, err := netip.ParseAddr(s)
	if err != nil || !closed || a.Zone() != "" || a.Is6() != six {
		return nil, &Error{Domain: domain, Permanent: true, Status: "5.1.2", Text: "the address literal " + strconv.Quote(domain) + " is not well-formed"}
	}
	h := []Host{{Name: domain, Addrs: []netip.Addr{a.Unmap()}}} // a mapped IPv4 address is that one
	if r.isSelf(h[0].Addrs) {
		return nil, loop(domain)
	}
	if h = r.permitted(h); len(h) == 0 {
		return nil, private(domain)
	}
	return &Path{Site: domain, Hosts: h, Port: r.cfg.Port}, nil
}

// canonical is a name in lower case, without a dot at the end.
func canonical(name string) string {
	return strings.ToLower(strings.TrimSuffix(name, "."))
}

// validName reports whether name can be asked for: labels of 1 to 63 letters,
// digits, hyphens and underscores, 253 octets in all.
func validName(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for i := 0; i < len(label); i++ {
			ch := label[i]
			if (ch < 'a' || ch > 'z') && (ch < '0' || ch > '9') && ch != '-' && ch != '_' {
				return false
			}
		}
	}
	return true
}
