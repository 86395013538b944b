package mailer

import (
	"relay/mailer/policy"
	"relay/store"
)

// reported are the terms of the attempt's domains that want reports on TLS. A server that
// stands in for their hosts is nothing to them.
func (a *attempt) reported() (list []*policy.Terms) {
	if a.tour.path.Fixed {
		return nil
	}
	for i := range a.job.claims {
		if t := a.m.policies.Reported(a.job.claims[i].Domain); t != nil {
			list = append(list, t)
		}
	}
	return list
}

// countTLS counts a connection, once for each domain that it carries mail of.
func (a *attempt) countTLS(c *connection) {
	for _, t := range a.reported() {
		if c.counted[t.Domain] {
			continue
		}
		if c.counted == nil {
			c.counted = map[string]bool{}
		}
		c.counted[t.Domain] = true
		a.count(c.hop(), t.Count(c.host, c.client.TLS(), c.client.Extensions().StartTLS))
	}
}

// countFailed counts a connection that was not made because of its TLS.
func (a *attempt) countFailed(f *failure) {
	wanted := f.wanted()
	if wanted == nil || wanted.Result == "" {
		return
	}
	for _, t := range a.reported() {
		a.count(hop{f.host, f.addr}, t.CountFailed(f.host, wanted))
	}
}

func (a *attempt) count(to hop, c store.TLSCount) {
	if c.Result != "" {
		c.IP = to.addr.Addr().String()
		if from := a.tour.from; from != nil && from.Addr.IsValid() {
			c.From = from.Addr.String()
		}
	}
	a.tls = append(a.tls, c)
}

// takeTLS returns what was counted and is not stored yet.
func (a *attempt) takeTLS() []store.TLSCount {
	list := a.tls
	a.tls = nil
	return list
}
