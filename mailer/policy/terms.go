package policy

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"relay/mailer/client"
	"relay/mailer/route"
	"relay/store/mailsyntax"
	"relay/store/sites"
)

// Level is what the TLS of a connection must be.
type Level uint8

// The levels, each stricter than the one before.
const (
	Any       Level = iota // TLS where it is offered, else none
	Encrypted              // TLS, whatever the certificate
	Verified               // TLS with a certificate that is the host's
)

// Terms are what a domain asks of connections to its hosts. They do not change. Nil asks
// nothing.
type Terms struct {
	Domain string

	sts    *sites.TLSPolicy // in force, in any of its modes; nil: none
	own    client.TLSMode   // what the operator's route says
	proved bool             // DNSSEC proved the MX
	hosts  map[string]dane  // that DNSSEC knows of
	roots  *x509.CertPool   // nil: the system's
	told   bool             // the domain wants reports
	asks   string           // see Key
}

// dane is what the DNS says of the certificate of a host.
type dane struct {
	base    string       // name under which the records are; "": there are none
	names   []string     // one of them must be in a certificate that an authority vouches for
	records []route.TLSA // that can be used
	err     error        // they could not be looked up
}

// Error is why a host is not used, or why a connection to it is not as a domain wants it.
type Error struct {
	Status [3]int // enhanced code, of class 4
	Text   string // one line for people
	Result string // for reports, see the constants
	Err    error  // cause; nil: none

	Sure bool // it is about the host, and no accident of a look-up
}

// Error is the text.
func (e *Error) Error() string { return e.Text }

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Results of connections in reports (RFC 8460 §4.3).
const (
	ResultNoTLS     = "starttls-not-supported"
	ResultMismatch  = "certificate-host-mismatch"
	ResultExpired   = "certificate-expired"
	ResultUntrusted = "certificate-not-trusted"
	ResultFailed    = "validation-failure"
	ResultTLSA      = "tlsa-invalid"
	ResultDNSSEC    = "dnssec-invalid"
)

// complete notes what the terms ask, so that Key can tell.
func (t *Terms) complete() *Terms {
	var b strings.Builder
	if t.own != client.TLSOpportunistic {
		fmt.Fprintf(&b, "route %d ", t.own)
	}
	if t.enforces() {
		fmt.Fprintf(&b, "mta-sts %s", strings.Join(slices.Sorted(slices.Values(t.sts.MX)), ","))
	}
	for _, host := range slices.Sorted(maps.Keys(t.hosts)) {
		if h := t.hosts[host]; h.base != "" || h.err != nil {
			fmt.Fprintf(&b, " dane %s %v %v", host, h.records, h.err != nil)
		}
	}
	t.asks = b.String()
	return t
}

// Key is the same for terms that ask the same of the same hosts; "": they ask nothing.
func (t *Terms) Key() string {
	if t == nil {
		return ""
	}
	return t.asks
}

func (t *Terms) enforces() bool { return t != nil && t.sts != nil && t.sts.Mode == ModeEnforce }

// pinned reports whether the certificate of a host is compared with TLSA records. MTA-STS
// does not count there (RFC 8461 §2).
func (t *Terms) pinned(host string) bool { return t != nil && len(t.hosts[host].records) > 0 }

// Permits returns why mail must not go to a host at all, with TLS or without; nil: it may.
func (t *Terms) Permits(host string) *Error {
	if t == nil {
		return nil
	}
	if err := t.hosts[host].err; err != nil {
		return &Error{Status: [3]int{4, 4, 3}, Result: ResultDNSSEC, Err: err,
			Text: fmt.Sprintf("the TLSA records of %s (DANE) could not be looked up", host)}
	}
	if t.enforces() && !t.pinned(host) && !names(t.sts, host) {
		return t.notNamed(host)
	}
	return nil
}

func (t *Terms) notNamed(host string) *Error {
	return &Error{Status: [3]int{4, 7, 5}, Result: ResultFailed, Sure: true,
		Text: fmt.Sprintf("the MTA-STS policy of %s does not name the host %s", t.Domain, host)}
}

// Level says what the TLS of connections to a host must be.
func (t *Terms) Level(host string) Level {
	switch {
	case t == nil:
		return Any
	case t.pinned(host), t.enforces(), t.own == client.TLSRequired:
		return Verified
	case t.hosts[host].base != "", t.own == client.TLSEncrypted:
		return Encrypted // RFC 7672 §2.2
	}
	return Any
}

// OfRoute are the terms without what the domain asks for; nil: the operator's route says
// nothing of TLS.
func (t *Terms) OfRoute() *Terms {
	if t == nil || t.own == client.TLSOpportunistic {
		return nil
	}
	return (&Terms{Domain: t.Domain, own: t.own, roots: t.roots}).complete()
}

// Clear reports whether the operator wants no TLS.
func (t *Terms) Clear() bool { return t != nil && t.own == client.TLSNone }

// Why a host must have TLS.
const (
	ByDANE   = "dane"
	ByMTASTS = "mta-sts"
	ByRoute  = "route" // the operator's
)

// By says what makes the TLS of a host what Level says, or keeps mail from it; "": nothing.
func (t *Terms) By(host string) string {
	switch {
	case t == nil:
		return ""
	case t.hosts[host].base != "" && (t.pinned(host) || !t.enforces()), t.hosts[host].err != nil:
		return ByDANE
	case t.enforces():
		return ByMTASTS
	case t.own != client.TLSOpportunistic:
		return ByRoute
	}
	return ""
}

// Policy is the domain's policy of MTA-STS that is in force, in any of its modes; nil: none.
func (t *Terms) Policy() *sites.TLSPolicy {
	if t == nil {
		return nil
	}
	return t.sts
}

// Secure reports whether DNSSEC proved the domain's MX.
func (t *Terms) Secure() bool { return t != nil && t.proved }

// ServerName is the one to ask a host for (RFC 7672 §8.1).
func (t *Terms) ServerName(host string) string {
	if t.pinned(host) {
		return t.hosts[host].base
	}
	return host
}

// Proved reports whether nobody can have put a host among the domain's without being
// noticed: DNSSEC proved the MX, or a policy names the host (RFC 8689 §8.2).
func (t *Terms) Proved(host string) bool {
	return t != nil && (t.proved || t.sts != nil && t.sts.Mode != ModeNone && names(t.sts, host))
}

// Verify compares a connection with what the terms want of the host; a nil state is one
// without TLS.
func (t *Terms) Verify(host string, state *tls.ConnectionState) *Error {
	level := t.Level(host)
	switch {
	case level == Any:
		return nil
	case state == nil:
		return t.Failed(host, nil)
	case level == Encrypted:
		return nil
	case t.pinned(host):
		h := t.hosts[host]
		if err := verifyDANE(h.records, h.names, state, time.Now()); err != nil {
			return t.Failed(host, err)
		}
		return nil
	}
	if err := WebPKI(t.roots, host, state); err != nil {
		return t.Failed(host, err)
	}
	return nil
}

// Tested is what Verify would say if a policy in testing were enforced; nil also when there
// is no such policy.
func (t *Terms) Tested(host string, state *tls.ConnectionState) *Error {
	if t == nil || t.sts == nil || t.sts.Mode != ModeTesting || t.pinned(host) {
		return nil
	}
	strict, policy := *t, *t.sts
	policy.Mode = ModeEnforce
	strict.sts = &policy
	if err := strict.Permits(host); err != nil {
		return err
	}
	return strict.Verify(host, state)
}

// WebPKI verifies that an authority vouches for the certificate of a host. roots nil: the
// system's.
func WebPKI(roots *x509.CertPool, host string, state *tls.ConnectionState) error {
	return verifyChain(roots, []string{strings.Trim(host, "[]")}, state.PeerCertificates, time.Now())
}

// Failed puts into words that there is no connection to a host as the terms want it: err
// says what is wrong with its TLS; nil: it has none.
func (t *Terms) Failed(host string, err error) *Error {
	e := &Error{Status: [3]int{4, 7, 5}, Err: err, Result: resultOf(err)}
	_, alert := errors.AsType[tls.AlertError](err)
	e.Sure = err == nil || e.Result != ResultFailed && !alert
	switch {
	case err == nil && t.hosts[host].base != "":
		e.Status = [3]int{4, 7, 10}
		e.Text = fmt.Sprintf("%s has TLSA records (DANE), so mail to it needs TLS, which it does not offer", host)
	case err == nil && !t.enforces():
		e.Status = [3]int{4, 7, 10}
		e.Text = fmt.Sprintf("the route of %s in relay.toml wants TLS, which %s does not offer", t.Domain, host)
	case err == nil:
		e.Status = [3]int{4, 7, 10}
		e.Text = fmt.Sprintf("the MTA-STS policy of %s wants TLS, which %s does not offer", t.Domain, host)
	case t.pinned(host):
		e.Text = fmt.Sprintf("the TLSA records of %s (DANE) want another certificate: %s", host, Cause(err))
		if errors.Is(err, errNoMatch) {
			e.Result, e.Sure = ResultTLSA, true
			e.Text = fmt.Sprintf("the TLSA records of %s (DANE) do not match the certificate that it showed", host)
		}
	case t.enforces():
		e.Text = fmt.Sprintf("the MTA-STS policy of %s wants a valid certificate of %s: %s", t.Domain, host, Cause(err))
	case t.hosts[host].base == "":
		e.Text = fmt.Sprintf("the route of %s in relay.toml wants TLS with %s: %s", t.Domain, host, Cause(err))
	default:
		e.Text = fmt.Sprintf("mail to %s needs TLS, since it has TLSA records (DANE): %s", host, Cause(err))
	}
	return e
}

// resultOf is the kind of failure for reports.
func resultOf(err error) string {
	if err == nil {
		return ResultNoTLS
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return ResultMismatch
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return ResultUntrusted
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired {
		return ResultExpired
	}
	return ResultFailed
}

// Cause is a failure of TLS without the names of packages.
func Cause(err error) string {
	s := err.Error()
	for _, prefix := range []string{"TLS handshake: ", "client: ", "tls: ", "x509: "} {
		s = strings.TrimPrefix(s, prefix)
	}
	return mailsyntax.Shorten(client.OneLine(s), 300)
}
