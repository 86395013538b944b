package policy

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"relay/mailer/route"
)

// Usages of TLSA records that count for mail (RFC 7672 §3.1).
const (
	daneTA = 2
	daneEE = 3
)

// usable are the records that a certificate can be compared with. Of the digests the
// strongest one counts where there are several (RFC 7671 §9).
func usable(list []route.TLSA) (kept []route.TLSA) {
	best := map[[2]uint8]uint8{}
	for _, t := range list {
		if !known(&t) {
			continue
		}
		kept = append(kept, t)
		kind := [2]uint8{t.Usage, t.Selector}
		best[kind] = max(best[kind], t.Matching)
	}
	return slices.DeleteFunc(kept, func(t route.TLSA) bool {
		return t.Matching != 0 && t.Matching < best[[2]uint8{t.Usage, t.Selector}]
	})
}

func known(t *route.TLSA) bool {
	sizes := map[uint8]int{1: sha256.Size, 2: sha512.Size}
	if t.Usage != daneTA && t.Usage != daneEE || t.Selector > 1 || t.Matching > 2 {
		return false
	}
	return t.Matching == 0 && len(t.Data) > 0 || t.Matching != 0 && len(t.Data) == sizes[t.Matching]
}

// matches reports whether a record is that of a certificate.
func matches(t *route.TLSA, c *x509.Certificate) bool {
	what := c.Raw
	if t.Selector == 1 {
		what = c.RawSubjectPublicKeyInfo
	}
	switch t.Matching {
	case 1:
		sum := sha256.Sum256(what)
		what = sum[:]
	case 2:
		sum := sha512.Sum512(what)
		what = sum[:]
	}
	return bytes.Equal(what, t.Data)
}

var errNoMatch = errors.New("no TLSA record matches the certificate that it showed")

// verifyDANE compares what a host showed with its records. With usage 3 the certificate
// is enough, whatever names and dates it has; with usage 2 it needs a chain to the one in
// the record, and one of the names (RFC 7672 §3.1 and §3.2).
func verifyDANE(list []route.TLSA, names []string, state *tls.ConnectionState, now time.Time) error {
	certs := state.PeerCertificates
	if len(certs) == 0 {
		return errNoMatch
	}
	err := errNoMatch
	for i := range list {
		t := &list[i]
		switch t.Usage {
		case daneEE:
			if matches(t, certs[0]) {
				return nil
			}
		case daneTA:
			failed := verifyAnchor(t, names, certs, now)
			if failed == nil {
				return nil
			}
			if !errors.Is(failed, errNoMatch) {
				err = failed
			}
		}
	}
	return err
}

// verifyAnchor finds a chain to an authority of the record, which is among those shown or
// is the record itself.
func verifyAnchor(t *route.TLSA, names []string, certs []*x509.Certificate, now time.Time) error {
	roots, found := x509.NewCertPool(), false
	for _, c := range certs {
		if matches(t, c) {
			roots.AddCert(c)
			found = true
		}
	}
	if t.Selector == 0 && t.Matching == 0 && !found {
		if c, err := x509.ParseCertificate(t.Data); err == nil {
			roots.AddCert(c)
			found = true
		}
	}
	if !found {
		return errNoMatch
	}
	return verifyChain(roots, names, certs, now)
}

// verifyChain verifies what a host showed for one of the names.
func verifyChain(roots *x509.CertPool, names []string, certs []*x509.Certificate, now time.Time) error {
	if len(certs) == 0 {
		return errors.New("it showed no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range certs[1:] {
		between.AddCert(c)
	}
	var first error
	for _, name := range names {
		_, err := certs[0].Verify(x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: between, CurrentTime: now})
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}
