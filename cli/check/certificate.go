package check

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"
	"time"

	"relay/cli/config"
	"relay/cli/finding"
	"relay/cli/knock"
	"relay/report/api/act"
	"relay/report/words"
)

// endsSoon is the rest of a certificate's time below which there is a warning.
const endsSoon = act.EndsSoon

// certificate judges the configured certificate, its chain and who may read its key.
func (e *entrance) certificate() {
	t := e.cfg.TLS
	if t.Contact != "" {
		e.fromAuthority()
		return
	}
	if t.Cert == "" {
		e.add("certificate", finding.Warning, "set acme, or cert and key, in [tls] of relay.toml; mail programs complain about a self-signed certificate", "none configured, a self-signed one is used")
		return
	}
	if strings.HasPrefix(t.Cert, config.CredentialPrefix) || strings.HasPrefix(t.Key, config.CredentialPrefix) {
		e.passedCertificate()
		return
	}
	pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		e.add("certificate", finding.Failed, "see cert and key in [tls] of relay.toml: in cert the host's own certificate comes first, key is its key, and the relay's user must be able to read both", "%v", err)
		return
	}
	e.judge(pair.Leaf)
	e.chain(certificatesOf(&pair))
	if info, err := os.Stat(t.Key); err == nil && info.Mode().Perm()&0o007 != 0 {
		e.add("TLS key", finding.Warning, "chmod o= "+t.Key, "%s may be read by everybody (mode %04o)", t.Key, info.Mode().Perm())
	}
}

// passedCertificate judges a certificate that the service manager passes to the relay
// alone. The running relay shows it on its listeners.
func (e *entrance) passedCertificate() {
	if e.seen == nil {
		e.add("certificate", finding.Warning, "start the relay: it shows the certificate then", "cannot tell: %s is passed to the service only", e.cfg.TLS.Cert)
		return
	}
	e.judge(e.seen[0])
	e.chain(e.seen)
}

// certificatesOf returns the chain of a file, the leaf first. A certificate that cannot be
// parsed is left out, because mail programs cannot use it either.
func certificatesOf(pair *tls.Certificate) []*x509.Certificate {
	list := []*x509.Certificate{pair.Leaf}
	for _, der := range pair.Certificate[1:] {
		if cert, err := x509.ParseCertificate(der); err == nil {
			list = append(list, cert)
		}
	}
	return list
}

// judge judges a certificate by its dates and names alone. A wrong name is a warning,
// because mail programs may know relay by a name other than the hostname.
func (e *entrance) judge(leaf *x509.Certificate) {
	left := time.Until(leaf.NotAfter)
	soon := min(endsSoon, leaf.NotAfter.Sub(leaf.NotBefore)/6) // some authorities issue for days
	ends := words.Stamp(leaf.NotAfter, e.cfg.Zone())
	switch err := leaf.VerifyHostname(e.cfg.Host()); {
	case left < 0:
		e.add("certificate", finding.Failed, "renew it", "ended %s", ends)
	case time.Until(leaf.NotBefore) > 0:
		e.add("certificate", finding.Failed, "see that the machine's clock is right, or wait until then", "holds from %s only", words.Stamp(leaf.NotBefore, e.cfg.Zone()))
	case err != nil:
		e.add("certificate", finding.Warning, "get one for the name that mail programs use", "%v", err)
	case left < soon && e.cfg.TLS.Contact != "":
		e.add("certificate", finding.Warning, "", "ends %s", ends) // the line "authority" says why
	case left < soon:
		e.add("certificate", finding.Warning, "renew it; the relay takes up the new file by itself", "ends %s", ends)
	default:
		e.add("certificate", finding.OK, "", "%s, until %s", strings.Join(leaf.DNSNames, ", "), ends)
	}
}

// chain verifies the certificate as a mail program on this machine would. Nothing here
// fails: operators may have mail programs that trust an authority of their own.
func (e *entrance) chain(list []*x509.Certificate) {
	leaf := list[0]
	switch err := knock.Verify(list, "", inside(leaf)); {
	case err == nil:
		e.add("chain", finding.OK, "", "leads to an authority that this machine trusts")
	case bytes.Equal(leaf.RawIssuer, leaf.RawSubject):
		e.add("chain", finding.Warning, "get a certificate from an authority; mail programs complain about this one", "the certificate is self-signed")
	case len(list) == 1:
		e.add("chain", finding.Warning, "cert must be the file with the whole chain (fullchain.pem)", "the file has one certificate only, and %v", err)
	default:
		e.add("chain", finding.Warning, "mail programs will not trust it either, unless they know its authority", "%v", err)
	}
}

// inside returns the instant nearest to now at which the certificate is valid. Whether it
// is valid now is another finding.
func inside(leaf *x509.Certificate) time.Time {
	now := time.Now()
	if now.After(leaf.NotAfter) {
		return leaf.NotAfter
	}
	if now.Before(leaf.NotBefore) {
		return leaf.NotBefore
	}
	return now
}

// isConfigured reports whether the certificate is the one in the configured file. It is
// true for a file that cannot be read, which has a finding of its own.
func (e *entrance) isConfigured(leaf *x509.Certificate) bool {
	pair, err := tls.LoadX509KeyPair(e.cfg.TLS.Cert, e.cfg.TLS.Key)
	return err != nil || bytes.Equal(pair.Certificate[0], leaf.Raw)
}
