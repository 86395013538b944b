package maildomain

import (
	"golang.org/x/net/publicsuffix"
)

// SameOrganization reports whether two names, in lower case A-labels, are below the same
// registered domain, as receivers see it that go by the public suffix list (RFC 7489 §3.2).
func SameOrganization(a, b string) bool {
	if a == b {
		return true
	}
	of, err := publicsuffix.EffectiveTLDPlusOne(a)
	other, err2 := publicsuffix.EffectiveTLDPlusOne(b)
	return err == nil && err2 == nil && of == other
}
