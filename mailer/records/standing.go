package records

import (
	"context"
	"errors"

	"relay/mailer/route"
	"relay/mailer/spf"
)

// Standing is what the DNS says of mail with a domain in its From field, as far as it is
// needed for each message.
type Standing struct {
	Policy                string // that receivers are asked for: none, quarantine or reject; "": there is no DMARC record
	Organization          string // organizational domain
	StrictDKIM, StrictSPF bool   // only the very domain counts

	SPF, SPFKnown bool // the SPF record lets the host send; whether that can be told at all
}

// Stand looks up a domain's standing for mail that leaves from a host; with "" from one
// whose addresses nobody here knows. It fails where the DNS does not answer.
func Stand(ctx context.Context, n Names, domain, host string) (s Standing, err error) {
	p, organization, err := walk(ctx, n, domain)
	if err != nil {
		return s, err
	}
	s.Organization = organization
	if p != nil {
		s.Policy = p.handling(domain, true)
		if p.test() {
			s.Policy = map[string]string{"reject": "quarantine"}[s.Policy]
			if s.Policy == "" {
				s.Policy = "none"
			}
		}
		s.StrictDKIM, s.StrictSPF = p.tag("adkim") == "s", p.tag("aspf") == "s"
	}
	if host == "" {
		return s, nil
	}
	s.SPF, s.SPFKnown, err = lets(ctx, n, domain, host)
	return s, err
}

// lets reports whether a domain's SPF record lets all addresses of a host send, and whether
// the host has any.
func lets(ctx context.Context, n Names, domain, host string) (yes, known bool, err error) {
	addrs, err := n.LookupAddrs(ctx, host)
	if err != nil && !errors.Is(err, route.ErrNotFound) {
		return false, false, err
	}
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
