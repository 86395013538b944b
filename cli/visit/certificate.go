package visit

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"relay/cli/exit"
	"relay/cli/finding"
	"relay/report/api/act"
	"relay/report/words"
)

// certificates judges what the open ports showed. Ports with the same certificate have one
// finding.
func (v *visit) certificates(doors []door) {
	for i := range doors {
		d := &doors[i]
		if !d.open() || len(d.best.chain()) == 0 {
			continue
		}
		d.verified = d.best.verify(v.Server)
		leaf, name := d.best.chain()[0], "certificate"
		same := func(is door) bool {
			return is.open() && len(is.best.chain()) > 0 && bytes.Equal(is.best.chain()[0].Raw, leaf.Raw)
		}
		if slices.IndexFunc(doors, same) < i {
			continue
		}
		if !allOpen(doors, same) {
			name += " " + d.port.String()
		}
		v.certificate(name, d)
	}
}

// allOpen reports whether that holds of all doors that are open.
func allOpen(doors []door, holds func(door) bool) bool {
	return !slices.ContainsFunc(doors, func(d door) bool { return d.open() && !holds(d) })
}

func (v *visit) certificate(name string, d *door) {
	chain := d.best.chain()
	leaf := chain[0]
	ends := words.Day(leaf.NotAfter, time.Local)
	by := words.Cut(words.Clean(issuer(leaf)), 40)
	switch left := time.Until(leaf.NotAfter); {
	case scanner(chain) != "":
		v.bad(name, "switch the scanning of mail off in it, or let it leave out this server", "made by %s, which reads the mail on its way", scanner(chain))
	case left < 0:
		v.bad(name, "tell your provider; see that this machine's date is right", "ended on %s", ends)
	case time.Until(leaf.NotBefore) > 0:
		v.bad(name, "see that this machine's date is right", "holds from %s only", words.Day(leaf.NotBefore, time.Local))
	case wrongName(d.verified):
		v.bad(name, "use the name that your provider told you; if you do, something on the way answers in the server's place", "is for %s, not for %s", words.Some(cleaned(leaf.DNSNames)), v.Server)
	case d.verified != nil && bytes.Equal(leaf.RawIssuer, leaf.RawSubject):
		v.bad(name, "your provider needs one from an authority; mail programs complain about this one", "is self-signed")
	case d.verified != nil && len(chain) == 1:
		v.bad(name, "your provider has to send the whole chain; if other programs of this machine trust the server, something on the way answers in its place", "by %s, and nothing leads from it to an authority", by)
	case d.verified != nil:
		v.bad(name, "something on the way may answer in the server's place: try from another network, or ask your provider", "by %s, which this machine does not trust", by)
	case left < min(act.EndsSoon, leaf.NotAfter.Sub(leaf.NotBefore)/6):
		v.add(name, finding.Warning, "tell your provider", "by %s, ends on %s", by, ends)
	default:
		v.add(name, finding.OK, "", "for %s, by %s, until %s", v.Server, by, ends)
	}
}

// bad notes a certificate that mail programs do not take. With --untrusted it is a
// warning only.
func (v *visit) bad(name, advice, format string, args ...any) {
	if v.Untrusted {
		v.add(name, finding.Warning, advice, format, args...)
		return
	}
	v.fail(exit.Failed, name, advice, format, args...)
}

func wrongName(err error) bool {
	_, is := errors.AsType[x509.HostnameError](err)
	return is
}

func cleaned(names []string) (list []string) {
	for _, n := range names {
		list = append(list, words.Cut(words.Clean(n), 60))
	}
	if len(list) == 0 {
		list = []string{"no name"}
	}
	return list
}

func issuer(c *x509.Certificate) string {
	if c.Issuer.CommonName != "" {
		return c.Issuer.CommonName
	}
	return strings.Join(c.Issuer.Organization, ", ")
}

// scanners are makers of programs and machines that open TLS on its way and have authorities of
// their own.
var scanners = []string{"Avast", "AVG", "Avira", "Bitdefender", "Check Point", "ESET", "Fortinet", "Kaspersky", "McAfee", "Netskope", "Norton", "Palo Alto", "Sophos", "Untangle", "WatchGuard", "Zscaler"}

// scanner is the one that made a chain; "": none is known.
func scanner(chain []*x509.Certificate) string {
	for _, c := range chain {
		for _, s := range scanners {
			if strings.Contains(inWords(c.Issuer.String()), inWords(s)) {
				return s
			}
		}
	}
	return ""
}

// inWords is a text's words with a space around each, so that none is found within another.
func inWords(text string) string {
	return " " + strings.Join(strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) }), " ") + " "
}

// trusted is the TLS of the login: the certificate has to be good on that connection, or as
// bad as the operator of the test allows.
func (v *visit) trusted() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, ServerName: v.Server, InsecureSkipVerify: v.Untrusted}
}
