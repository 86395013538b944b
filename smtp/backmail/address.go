package backmail

import (
	"strings"

	"relay/store/delivered"
	"relay/store/maildomain"
	"relay/store/mailsyntax"
)

// Kind is what an address of relay's own is for.
type Kind string

// The kinds of addresses. None is an address that relay does not have.
const (
	None       Kind = ""
	Token      Kind = "b"      // b+TOKEN: the token is of one recipient of one e-mail
	Bounce     Kind = "bounce" // reports that a mailbox forwards
	Complaint  Kind = "fbl"    // feedback loops
	Abuse      Kind = "abuse"
	Postmaster Kind = "postmaster"
	Test       Kind = "test"
	Errors     Kind = "errors"
)

// Names are the domains whose addresses relay takes mail for.
type Names struct {
	Domain string // of all addresses, lower case A-labels
	Host   string // postmaster and abuse are taken here too (RFC 2142), and test and errors
}

// NamesOf are the names of domains as people write them.
func NamesOf(domain, host string) Names {
	ascii := func(name string) string {
		if _, a, ok := maildomain.Parse(name); ok {
			return a
		}
		return strings.ToLower(name)
	}
	return Names{Domain: ascii(domain), Host: ascii(host)}
}

// Find says what an address is for, and the token of VERP in it. Local parts are compared
// without regard to case (RFC 2142 §3); the token is as it came.
func (n Names) Find(address string) (kind Kind, token string) {
	local, domain, ok := maildomain.Split(address)
	if !ok || domain != n.Domain && domain != n.Host {
		return None, ""
	}
	if token, ok := mailsyntax.CutPrefix(local, delivered.TokenPrefix); ok && token != "" {
		if domain != n.Domain {
			return None, ""
		}
		return Token, token
	}
	kind = Kind(strings.ToLower(local))
	switch kind {
	case Abuse, Postmaster, Test, Errors:
		return kind, ""
	case Bounce, Complaint:
		if domain == n.Domain {
			return kind, ""
		}
	}
	return None, ""
}

// isDomain reports whether an address is at one of the domains.
func (n Names) isDomain(address string) bool {
	_, domain, ok := maildomain.Split(address)
	return ok && (domain == n.Domain || domain == n.Host)
}

// Own reports whether mail to an address would come back to relay itself.
func (n Names) Own(address string) bool {
	kind, _ := n.Find(address)
	return kind != None
}
