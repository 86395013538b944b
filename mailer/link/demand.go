package link

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"relay/mailer/client"
	"relay/mailer/hosts"
	"relay/mailer/policy"
	"relay/mailer/route"
)

// Demand is what the TLS of an attempt's connections must be: by the terms of its domains,
// and by the message.
type Demand struct {
	Terms   *policy.Terms // nil: nothing
	Require bool          // REQUIRETLS (RFC 8689)
}

// Level says what the TLS of connections to a host must be.
func (d Demand) Level(host string) policy.Level {
	if d.Require {
		return policy.Verified
	}
	return d.Terms.Level(host)
}

// Permits returns why mail must not go to a host at all, with TLS or without; nil: it may.
func (d Demand) Permits(host string, path *route.Path) *policy.Error {
	if err := d.Terms.Permits(host); err != nil {
		return err
	}
	if d.Require && !path.Fixed && !d.Terms.Proved(host) {
		return &policy.Error{Status: [3]int{4, 7, 5}, Sure: true, // RFC 8689 §8.2
			Text: fmt.Sprintf("neither DNSSEC nor an MTA-STS policy vouches that %s takes the domain's mail", host)}
	}
	return nil
}

// Verify compares a connection with the demand; a nil state is one without TLS.
func (d Demand) Verify(roots *x509.CertPool, host string, state *tls.ConnectionState) error {
	if err := d.Terms.Verify(host, state); err != nil {
		return err
	}
	switch {
	case !d.Require || d.Terms.Level(host) == policy.Verified:
		return nil
	case state == nil:
		return client.ErrNoTLS
	}
	return policy.WebPKI(roots, host, state)
}

// Meets reports whether the connection is as an attempt by a path demands it.
func (c *Connection) Meets(d Demand, path *route.Path) bool {
	if d == c.met || !d.Require && d.Terms.Key() == "" {
		return true
	}
	if d.Require && !c.Client.Extensions().RequireTLS || d.Permits(c.Host, path) != nil || d.Verify(c.Roots, c.Host, c.Client.TLS()) != nil {
		return false
	}
	c.met = d
	return true
}

// Barred is the failure of a host that mail must not go to.
func Barred(to hosts.Hop, err *policy.Error) *Failure {
	return &Failure{Err: &client.ConnError{Stage: client.StageConnect, Err: err}, Host: to.Host, Addr: to.Addr, Unsafe: true, Local: true}
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
func (d *Dialing) tlsConfig() *tls.Config {
	base := d.Links.strictTLS
	if d.Mode == client.TLSOpportunistic || d.Mode == client.TLSEncrypted {
		base = d.Links.anyTLS
	}
	if d.want.Level(d.Hop.Host) == policy.Any {
		return base
	}
	cfg := base.Clone()
	cfg.VerifyConnection = func(state tls.ConnectionState) error {
		return d.want.Verify(d.Links.strictTLS.RootCAs, d.Hop.Host, &state)
	}
	return cfg
}

// explain puts a failure of TLS that the terms demand into their words.
func (d *Dialing) explain(ce *client.ConnError) *client.ConnError {
	if d.want.Terms.Level(d.Hop.Host) == policy.Any || ce.Stage != client.StageHandshake && ce.Stage != client.StageStartTLS {
		return ce
	}
	if _, done := errors.AsType[*policy.Error](ce.Err); done {
		return ce
	}
	var cause error
	if !errors.Is(ce.Err, client.ErrNoTLS) {
		cause = ce
	}
	return &client.ConnError{Stage: ce.Stage, Err: d.want.Terms.Failed(d.Hop.Host, cause), Secure: ce.Secure}
}

// hostile reports whether an error is that of a certificate.
func hostile(err error) bool {
	_, name := errors.AsType[x509.HostnameError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	return name || unknown || invalid
}

// Wanted is the policy that a failure goes against; nil: none.
func (f *Failure) Wanted() *policy.Error {
	e, _ := errors.AsType[*policy.Error](f.Err.Err)
	return e
}
