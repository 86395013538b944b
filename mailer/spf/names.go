package spf

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"

	"blitiri.com.ar/go/spf"

	"relay/mailer/route"
)

// silence is a Resolver that answers nothing.
type silence struct{}

var errSilent = errors.New("not asked")

func (silence) LookupTXT(context.Context, string) ([]string, error)       { return nil, errSilent }
func (silence) LookupMX(context.Context, string) ([]route.MX, error)      { return nil, errSilent }
func (silence) LookupAddrs(context.Context, string) ([]netip.Addr, error) { return nil, errSilent }
func (silence) LookupPTR(context.Context, netip.Addr) ([]string, error)   { return nil, errSilent }

// names answers the library from a Resolver.
type names struct {
	Resolver
	domain  string
	record  string // of domain, once it was asked for
	instead string // answers for the record of domain, if set
}

// Names answers from a Resolver in the types of Go's own resolver: errors are *net.DNSError.
func Names(r Resolver) spf.DNSResolver { return &names{Resolver: r} }

// LookupTXT remembers the record of the domain.
func (n *names) LookupTXT(ctx context.Context, name string) ([]string, error) {
	name = canonical(name)
	if n.instead != "" && name == n.domain {
		return []string{n.instead}, nil
	}
	texts, err := n.Resolver.LookupTXT(ctx, name)
	if name == n.domain {
		n.record = record(texts)
	}
	return texts, failure(name, err)
}

// record is the only SPF record of a name, else "".
func record(texts []string) (found string) {
	for _, t := range texts {
		if version, _, _ := strings.Cut(t, " "); !strings.EqualFold(version, "v=spf1") {
			continue
		}
		if found != "" {
			return ""
		}
		found = t
	}
	return found
}

func (n *names) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	mxs, err := n.Resolver.LookupMX(ctx, canonical(name))
	list := make([]*net.MX, len(mxs))
	for i, mx := range mxs {
		list[i] = &net.MX{Host: mx.Host, Pref: mx.Preference}
	}
	return list, failure(name, err)
}

// LookupIPAddr has nothing for the host of a null MX, which is "".
func (n *names) LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error) {
	if host == "" {
		return nil, failure(host, route.ErrNotFound)
	}
	addrs, err := n.Resolver.LookupAddrs(ctx, canonical(host))
	list := make([]net.IPAddr, len(addrs))
	for i, a := range addrs {
		list[i] = net.IPAddr{IP: a.AsSlice()}
	}
	return list, failure(host, err)
}

func (n *names) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return nil, failure(addr, err)
	}
	list, err := n.LookupPTR(ctx, a)
	return list, failure(addr, err)
}

// canonical is a name of a record as a Resolver takes it.
func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// failure is an error of a look-up as the library tells them apart.
func failure(name string, err error) error {
	if err == nil {
		return nil
	}
	notFound := errors.Is(err, route.ErrNotFound)
	return &net.DNSError{UnwrapErr: err, Err: err.Error(), Name: name, IsNotFound: notFound, IsTemporary: !notFound}
}
