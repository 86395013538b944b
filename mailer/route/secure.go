package route

import (
	"context"
	"encoding/hex"
	"errors"
	"net"
	"net/netip"

	"github.com/miekg/dns"
)

// TLSA says which certificate a host has (RFC 6698 §2.1).
type TLSA struct {
	Usage    uint8
	Selector uint8
	Matching uint8
	Data     []byte
}

// trusts reports whether a server is believed that it proved an answer: on the way from
// any other one, somebody could set the bit.
func (d *DNS) trusts(server string) bool {
	if d.cfg.Trusted {
		return true
	}
	host, _, _ := net.SplitHostPort(server)
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// SecureMX reports whether DNSSEC proved what LookupMX returns for domain, also that there
// is nothing.
func (d *DNS) SecureMX(ctx context.Context, domain string) (bool, error) {
	a, err := d.answer(ctx, domain, dns.TypeMX)
	if err == nil && !errors.Is(a.err, ErrNotFound) {
		err = a.err
	}
	return a.secure && err == nil, err
}

// SecureNames are the names under which the TLSA records of a host are looked for, in this
// order: the one that its aliases lead to, if DNSSEC proved all the way, then its own (RFC
// 7672 §2.2.3). None: its addresses are not proved.
func (d *DNS) SecureNames(ctx context.Context, host string) ([]string, error) {
	end, secure, err := d.secureAddrs(ctx, host)
	switch {
	case err != nil:
		return nil, err
	case secure && end != host:
		return []string{end, host}, nil
	case secure:
		return []string{host}, nil
	case end == host:
		return nil, nil
	}
	alias, err := d.answer(ctx, host, dns.TypeCNAME) // it leads out of a zone that may be signed itself
	if err == nil {
		err = alias.err
	}
	if err != nil || !alias.secure {
		return nil, err
	}
	return []string{host}, nil
}

// secureAddrs says where the aliases of host end, and whether all of its addresses are
// proved. One family is enough where the other cannot be looked up.
func (d *DNS) secureAddrs(ctx context.Context, host string) (end string, secure bool, err error) {
	end, secure = host, true
	asked := false
	for _, family := range []uint16{dns.TypeA, dns.TypeAAAA} {
		a, err := d.answer(ctx, host, family)
		switch {
		case err != nil:
			return "", false, err
		case a.err == nil:
			end, secure, asked = a.end, secure && a.secure, true
		}
	}
	return end, secure && asked, nil
}

// LookupTLSA are the TLSA records of name. secure: DNSSEC proved them, or that there are none.
func (d *DNS) LookupTLSA(ctx context.Context, name string) (list []TLSA, secure bool, err error) {
	a, err := d.answer(ctx, name, dns.TypeTLSA)
	if err == nil && !errors.Is(a.err, ErrNotFound) {
		err = a.err
	}
	if err != nil {
		return nil, false, err
	}
	for _, rr := range a.rrs {
		t, ok := rr.(*dns.TLSA)
		if !ok {
			continue
		}
		data, err := hex.DecodeString(t.Certificate)
		if err == nil {
			list = append(list, TLSA{t.Usage, t.Selector, t.MatchingType, data})
		}
	}
	return list, a.secure, nil
}
