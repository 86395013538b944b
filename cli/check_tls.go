package cli

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
	"relay/report/words"
)

// certificates that end so soon are worth a warning.
const endsSoon = 14 * 24 * time.Hour

func (c *checker) certificate() {
	t := c.cfg.TLS
	if t.Cert == "" {
		c.add("certificate", finding.Warning, "set cert and key in [tls] of relay.toml; mail programs complain about a self-signed certificate", "none configured, a self-signed one is used")
		return
	}
	if strings.HasPrefix(t.Cert, config.CredentialPrefix) || strings.HasPrefix(t.Key, config.CredentialPrefix) {
		c.passedCertificate()
		return
	}
	pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		c.add("certificate", finding.Failed, "see cert and key in [tls] of relay.toml: in cert the host's own certificate comes first, key is its key, and the relay's user must be able to read both", "%v", err)
		return
	}
	c.judge(pair.Leaf)
	c.chain(certificatesOf(&pair))
	if info, err := os.Stat(t.Key); err == nil && info.Mode().Perm()&0o007 != 0 {
		c.add("TLS key", finding.Warning, "chmod o= "+t.Key, "%s may be read by everybody (mode %04o)", t.Key, info.Mode().Perm())
	}
}

// passedCertificate is one that only the service is given: the running relay
// shows it.
func (c *checker) passedCertificate() {
	if c.seen == nil {
		c.add("certificate", finding.Warning, "start the relay: it shows the certificate then", "cannot tell: %s is passed to the service only", c.cfg.TLS.Cert)
		return
	}
	c.judge(c.seen[0])
	c.chain(c.seen)
}

// certificatesOf a file, the leaf first.
func certificatesOf(pair *tls.Certificate) []*x509.Certificate {
	list := []*x509.Certificate{pair.Leaf}
	for _, der := range pair.Certificate[1:] {
		if cert, err := x509.ParseCertificate(der); err == nil {
			list = append(list, cert)
		}
	}
	return list
}

func (c *checker) judge(leaf *x509.Certificate) {
	left := time.Until(leaf.NotAfter)
	ends := words.Stamp(leaf.NotAfter, c.cfg.Zone())
	switch err := leaf.VerifyHostname(c.cfg.Host()); {
	case left < 0:
		c.add("certificate", finding.Failed, "renew it", "ended %s", ends)
	case time.Until(leaf.NotBefore) > 0:
		c.add("certificate", finding.Failed, "see that the machine's clock is right, or wait until then", "holds from %s only", words.Stamp(leaf.NotBefore, c.cfg.Zone()))
	case err != nil:
		c.add("certificate", finding.Warning, "get one for the name that mail programs use", "%v", err)
	case left < endsSoon:
		c.add("certificate", finding.Warning, "renew it; the relay takes up the new file by itself", "ends %s", ends)
	default:
		c.add("certificate", finding.OK, "", "%s, until %s", strings.Join(leaf.DNSNames, ", "), ends)
	}
}

// chain verifies the certificate as a mail program on this machine would.
func (c *checker) chain(list []*x509.Certificate) {
	leaf := list[0]
	switch err := knock.Verify(list, "", inside(leaf)); {
	case err == nil:
		c.add("chain", finding.OK, "", "leads to an authority that this machine trusts")
	case bytes.Equal(leaf.RawIssuer, leaf.RawSubject):
		c.add("chain", finding.Warning, "get a certificate from an authority; mail programs complain about this one", "the certificate is self-signed")
	case len(list) == 1:
		c.add("chain", finding.Warning, "cert must be the file with the whole chain (fullchain.pem)", "the file has one certificate only, and %v", err)
	default:
		c.add("chain", finding.Warning, "mail programs will not trust it either, unless they know its authority", "%v", err)
	}
}

// inside is now, or the nearest instant at which the certificate holds: that it
// does not now is another finding.
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

// isConfigured reports whether a certificate is the one in the file, or the file
// cannot be read.
func (c *checker) isConfigured(leaf *x509.Certificate) bool {
	pair, err := tls.LoadX509KeyPair(c.cfg.TLS.Cert, c.cfg.TLS.Key)
	return err != nil || bytes.Equal(pair.Certificate[0], leaf.Raw)
}
