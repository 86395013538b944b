package mailer

import (
	"relay/mailer/policy"
	"relay/mailer/route"
	"relay/mailer/settings"
)

// resolverOf is the one that finds next hops.
func resolverOf(c *settings.Config) (route.Resolver, error) {
	if c.DNS != nil {
		return c.DNS, nil
	}
	var servers []string
	if c.Resolver != "" {
		servers = []string{c.Resolver}
	}
	return route.NewDNS(route.DNSConfig{Servers: servers, Trusted: c.Trusted})
}

// policiesOf says how policies of domains are found. A resolver that cannot say what DNSSEC
// proved finds none.
func policiesOf(c *settings.Config, dns route.Resolver) policy.Config {
	p := policy.Config{Fetcher: c.Policies, MTASTS: c.MTASTS, DANE: c.DANE, Reports: c.Reports, Port: c.Port, RootCAs: c.RootCAs, Lasts: c.Lasts}
	p.Names, _ = dns.(policy.Names)
	if p.Port == 0 {
		p.Port = 25
	}
	if p.Fetcher == nil {
		p.Fetcher = &policy.HTTPS{Addrs: dns.LookupAddrs, RootCAs: c.RootCAs, AllowPrivate: c.AllowPrivate, Agent: "relay/" + c.Hostname}
	}
	return p
}
