package route

import (
	"context"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// LookupTXT are the texts of name, the strings of each joined (RFC 7208 §3.3).
func (d *DNS) LookupTXT(ctx context.Context, name string) ([]string, error) {
	rrs, err := d.lookup(ctx, name, dns.TypeTXT)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, rr := range rrs {
		if txt, ok := rr.(*dns.TXT); ok {
			texts = append(texts, strings.Join(txt.Txt, ""))
		}
	}
	return texts, nil
}

// LookupPTR are the names of an address, lower case, without a dot at the end.
func (d *DNS) LookupPTR(ctx context.Context, a netip.Addr) ([]string, error) {
	name, err := dns.ReverseAddr(a.Unmap().WithZone("").String())
	if err != nil {
		return nil, err
	}
	rrs, err := d.lookup(ctx, name, dns.TypePTR)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, rr := range rrs {
		if ptr, ok := rr.(*dns.PTR); ok {
			names = append(names, canonical(ptr.Ptr))
		}
	}
	return names, nil
}

// LookupCNAME is the name that an alias leads to, lower case, without a dot at the end; "":
// the name is there, and no alias.
func (d *DNS) LookupCNAME(ctx context.Context, name string) (string, error) {
	rrs, err := d.lookup(ctx, name, dns.TypeCNAME)
	if err != nil {
		return "", err
	}
	for _, rr := range rrs {
		if cname, ok := rr.(*dns.CNAME); ok {
			return canonical(cname.Target), nil
		}
	}
	return "", nil
}
