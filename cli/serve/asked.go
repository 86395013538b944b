package serve

import (
	"context"
	"net/netip"

	"relay/cli/asked"
	"relay/mailer/spf"
	"relay/report/answers"
	"relay/smtp/authres"
)

// newDesk makes what answers mail to test@ and errors@.
func (r *Relay) newDesk() *asked.Desk {
	return &asked.Desk{Store: r.store, Answers: answers.New(r.store, r.jobs().Writer, r.Log),
		Host: r.hostname, Addresses: r.backNames(&r.cfg), Leaves: r.leaves,
		Names: func() (authres.Names, error) {
			names, err := r.names()
			if err != nil {
				return nil, err
			}
			return spf.Names(names), nil
		}}
}

// leaves is an address that mail leaves from, as the world sees it: the first source, or what
// the host's name leads to. It is not valid where mail leaves through a smarthost.
func (r *Relay) leaves(ctx context.Context) netip.Addr {
	if r.hop.Host != "" {
		return netip.Addr{}
	}
	if list := (senders{r}).addresses(); len(list) > 0 {
		return list[0]
	}
	names, err := r.names()
	if err != nil {
		return netip.Addr{}
	}
	list, err := names.LookupAddrs(ctx, r.hostname)
	if err != nil || len(list) == 0 {
		return netip.Addr{}
	}
	return list[0]
}
