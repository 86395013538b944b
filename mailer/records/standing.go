package records

import (
	"context"
	"errors"
	"net/netip"

	"relay/mailer/route"
	"relay/mailer/spf"
	"relay/store/maildomain/dmarc"
)

// Standing is what the DNS says of mail with a domain in its From field, as far as it is
// needed for each message.
type Standing struct {
	Policy                string // that receivers are asked for: none, quarantine or reject; "": there is no DMARC record
	Organization          string // organizational domain
	StrictDKIM, StrictSPF bool   // only the very domain counts

	SPF, SPFKnown bool // the SPF record lets the host send; whether that can be told at all
}

// Stand looks up a domain's standing for mail that leaves from these addresses, or, where
// none are given, from those of a host; with "" from one whose addresses nobody here knows.
// It fails where the DNS does not answer.
func Stand(ctx context.Context, n Names, domain, host string, sources ...netip.Addr) (s Standing, err error) {
	p, organization, err := dmarc.Walk(ctx, texts(n), domain)
	if err != nil {
		return s, err
	}
	s.Organization = organization
	if p != nil {
		s.Policy = p.Handling(domain, true)
		if p.Test() {
			s.Policy = map[string]string{"reject": "quarantine"}[s.Policy]
			if s.Policy == "" {
				s.Policy = "none"
			}
		}
		s.StrictDKIM, s.StrictSPF = p.Tag("adkim") == "s", p.Tag("aspf") == "s"
	}
	if host == "" {
		return s, nil
	}
	if len(sources) == 0 {
		if sources, err = n.LookupAddrs(ctx, host); err != nil && !errors.Is(err, route.ErrNotFound) {
			return s, err
		}
	}
	s.SPF, s.SPFKnown, err = lets(ctx, n, domain, sources)
	return s, err
}

// Lets reports whether a domain's SPF record lets mail leave from these addresses, or, where
// none are given, from those of a host; known is false where that cannot be told.
func Lets(ctx context.Context, n Names, domain, host string, sources ...netip.Addr) (yes, known bool) {
	var err error
	if len(sources) == 0 {
		sources, err = n.LookupAddrs(ctx, host)
	}
	if err == nil {
		yes, known, err = lets(ctx, n, domain, sources)
	}
	return yes && err == nil, known && err == nil
}

// lets reports whether a domain's SPF record lets all addresses send, and whether there are
// any.
func lets(ctx context.Context, n Names, domain string, addrs []netip.Addr) (yes, known bool, err error) {
	for _, a := range addrs {
		switch v := spf.Check(ctx, n, domain, a); v.Result {
		case spf.TempError:
			return false, false, v.Err
		case spf.Pass:
			known = true
		default:
			return false, true, nil
		}
	}
	return known, known, nil
}

// texts looks up TXT records; a name without any is no error.
func texts(n Names) dmarc.Texts {
	return func(ctx context.Context, name string) ([]string, error) {
		list, err := n.LookupTXT(ctx, name)
		if errors.Is(err, route.ErrNotFound) {
			return nil, nil
		}
		return list, err
	}
}
