package attempt

import (
	"relay/mailer/hosts"
	"relay/mailer/link"
	"relay/mailer/policy"
	"relay/store/sites"
)

// reported are the terms of the attempt's domains that want reports on TLS. A server that
// stands in for their hosts is nothing to them.
func (a *attempt) reported() (list []*policy.Terms) {
	if a.tour.path.Fixed {
		return nil
	}
	for i := range a.job.Claims {
		if t := a.m.policies.Reported(a.job.Claims[i].Domain); t != nil {
			list = append(list, t)
		}
	}
	return list
}

// countTLS counts a connection, once for each domain that it carries mail of.
func (a *attempt) countTLS(c *link.Connection) {
	for _, t := range a.reported() {
		if c.Counted[t.Domain] {
			continue
		}
		if c.Counted == nil {
			c.Counted = map[string]bool{}
		}
		c.Counted[t.Domain] = true
		a.count(c.Hop(), t.Count(c.Host, c.Client.TLS(), c.Client.Extensions().StartTLS))
	}
}

// countFailed counts a connection that was not made because of its TLS.
func (a *attempt) countFailed(f *link.Failure) {
	wanted := f.Wanted()
	if wanted == nil || wanted.Result == "" {
		return
	}
	for _, t := range a.reported() {
		a.count(hosts.Hop{Host: f.Host, Addr: f.Addr}, t.CountFailed(f.Host, wanted))
	}
}

func (a *attempt) count(to hosts.Hop, c sites.TLSCount) {
	if c.Result != "" {
		c.IP = to.Addr.Addr().String()
		if from := a.tour.from; from != nil && from.Addr.IsValid() {
			c.From = from.Addr.String()
		}
	}
	a.tls = append(a.tls, c)
}

// takeTLS returns what was counted and is not stored yet.
func (a *attempt) takeTLS() []sites.TLSCount {
	list := a.tls
	a.tls = nil
	return list
}
