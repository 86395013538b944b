package mailer

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"relay/mailer/client"
	"relay/mailer/policy"
	"relay/mailer/route"
)

// resolver is the one that finds next hops.
func (c *Config) resolver() (route.Resolver, error) {
	if c.DNS != nil {
		return c.DNS, nil
	}
	var servers []string
	if c.Resolver != "" {
		servers = []string{c.Resolver}
	}
	return route.NewDNS(route.DNSConfig{Servers: servers, Trusted: c.Trusted})
}

// policies is how policies of domains are found. A resolver that cannot say what DNSSEC
// proved finds none.
func (c *Config) policies(dns route.Resolver) policy.Config {
	p := policy.Config{Fetcher: c.Policies, MTASTS: c.MTASTS, DANE: c.DANE, Reports: c.Reports, Port: c.Port, RootCAs: c.RootCAs, Lasts: c.lasts}
	p.Names, _ = dns.(policy.Names)
	if p.Port == 0 {
		p.Port = 25
	}
	if p.Fetcher == nil {
		p.Fetcher = &policy.HTTPS{Addrs: dns.LookupAddrs, RootCAs: c.RootCAs, AllowPrivate: c.AllowPrivate, Agent: "relay/" + c.Hostname}
	}
	return p
}

// demand is what the TLS of an attempt's connections must be: by the terms of its domains,
// and by the message.
type demand struct {
	terms   *policy.Terms // nil: nothing
	require bool          // REQUIRETLS (RFC 8689)
}

// demand of an attempt. A message whose sender says that TLS does not matter goes without
// the domain's terms (RFC 8689 §5), and by what the operator says of the route to it.
func (a *attempt) demand() demand {
	m := a.job.message
	if m.NoTLSTerms && !m.RequireTLS {
		return demand{a.job.terms.OfRoute(), false}
	}
	return demand{a.job.terms, m.RequireTLS}
}

// level says what the TLS of connections to a host must be.
func (d demand) level(host string) policy.Level {
	if d.require {
		return policy.Verified
	}
	return d.terms.Level(host)
}

// permits returns why mail must not go to a host at all, with TLS or without; nil: it may.
func (d demand) permits(host string, path *route.Path) *policy.Error {
	if err := d.terms.Permits(host); err != nil {
		return err
	}
	if d.require && !path.Fixed && !d.terms.Proved(host) {
		return &policy.Error{Status: [3]int{4, 7, 5}, Sure: true, // RFC 8689 §8.2
			Text: fmt.Sprintf("neither DNSSEC nor an MTA-STS policy vouches that %s takes the domain's mail", host)}
	}
	return nil
}

// verify compares a connection with the demand; a nil state is one without TLS.
func (d demand) verify(m *Mailer, host string, state *tls.ConnectionState) error {
	if err := d.terms.Verify(host, state); err != nil {
		return err
	}
	switch {
	case !d.require || d.terms.Level(host) == policy.Verified:
		return nil
	case state == nil:
		return client.ErrNoTLS
	}
	return policy.WebPKI(m.strictTLS.RootCAs, host, state)
}

// meets reports whether the connection is as an attempt demands it.
func (c *connection) meets(a *attempt) bool {
	d := a.demand()
	if d == c.met || !d.require && d.terms.Key() == "" {
		return true
	}
	if d.require && !c.client.Extensions().RequireTLS || d.permits(c.host, a.job.path) != nil || d.verify(a.m, c.host, c.client.TLS()) != nil {
		return false
	}
	c.met = d
	return true
}

// barred is the failure of a host that mail must not go to.
func barred(to hop, err *policy.Error) *failure {
	return &failure{err: &client.ConnError{Stage: client.StageConnect, Err: err}, host: to.host, addr: to.addr, unsafe: true, local: true}
}

// demanded is how strict a path is itself.
func demanded(mode client.TLSMode) policy.Level {
	switch mode {
	case client.TLSRequired, client.TLSImplicit:
		return policy.Verified
	case client.TLSEncrypted:
		return policy.Encrypted
	}
	return policy.Any
}

// tlsConfig is for connections in a mode that must be as the demand says.
func (d *dialing) tlsConfig() *tls.Config {
	base := d.m.strictTLS
	if d.mode == client.TLSOpportunistic || d.mode == client.TLSEncrypted {
		base = d.m.anyTLS
	}
	if d.want.level(d.hop.host) == policy.Any {
		return base
	}
	cfg := base.Clone()
	cfg.VerifyConnection = func(state tls.ConnectionState) error { return d.want.verify(d.m, d.hop.host, &state) }
	return cfg
}

// explain puts a failure of TLS that the terms demand into their words.
func (d *dialing) explain(ce *client.ConnError) *client.ConnError {
	if d.want.terms.Level(d.hop.host) == policy.Any || ce.Stage != client.StageHandshake && ce.Stage != client.StageStartTLS {
		return ce
	}
	if _, done := errors.AsType[*policy.Error](ce.Err); done {
		return ce
	}
	var cause error
	if !errors.Is(ce.Err, client.ErrNoTLS) {
		cause = ce
	}
	return &client.ConnError{Stage: ce.Stage, Err: d.want.terms.Failed(d.hop.host, cause), Secure: ce.Secure}
}

// hostile reports whether an error is that of a certificate.
func hostile(err error) bool {
	_, name := errors.AsType[x509.HostnameError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	return name || unknown || invalid
}

// wanted is the policy that a failure goes against; nil: none.
func (f *failure) wanted() *policy.Error {
	e, _ := errors.AsType[*policy.Error](f.err.Err)
	return e
}
