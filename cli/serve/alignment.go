package serve

import (
	"context"
	"net/netip"

	"relay/mailer/records"
	"relay/smtp/align"
)

// senders is the DNS as the judge of who messages are from asks it.
type senders struct{ *Relay }

// Standing implements align.Domains. Where mail leaves through a smarthost, nobody here
// knows for which addresses SPF has to pass.
func (s senders) Standing(ctx context.Context, domain string) (align.Standing, error) {
	names, err := s.names()
	if err != nil {
		return align.Standing{}, err
	}
	host := s.hostname
	if s.hop.Host != "" {
		host = ""
	}
	found, err := records.Stand(ctx, names, domain, host, s.addresses()...)
	if err != nil {
		return align.Standing{}, err
	}
	to := align.Standing{Policy: found.Policy, Organization: found.Organization, StrictDKIM: found.StrictDKIM, StrictSPF: found.StrictSPF}
	switch {
	case found.SPF:
		to.SPF = align.SPFPass
	case found.SPFKnown:
		to.SPF = align.SPFOther
	}
	return to, nil
}

// lets is how the job looks at SPF records; nil where mail leaves through a smarthost.
func (r *Relay) lets() func(context.Context, string) (yes, known bool) {
	if r.hop.Host != "" {
		return nil
	}
	return func(ctx context.Context, domain string) (yes, known bool) {
		names, err := r.names()
		if err != nil {
			return false, false
		}
		return records.Lets(ctx, names, domain, r.hostname, senders{r}.addresses()...)
	}
}

// addresses are those of the sources as the world sees them; none: the system chooses, or
// they are behind NAT, and the host's name leads to what the world sees.
func (s senders) addresses() (list []netip.Addr) {
	for _, one := range s.config().Source {
		if a, err := netip.ParseAddr(one.Address); err == nil && !a.IsPrivate() && a.IsGlobalUnicast() {
			list = append(list, a.Unmap())
		}
	}
	return list
}
