// Package field has what acts have in common about members: checks of requests, and how
// answers have them.
package field

import (
	"regexp"
	"strings"

	"golang.org/x/text/language"

	"relay/quota"
	"relay/report/api/act"
	"relay/report/words"
	"relay/store/mailsyntax"
)

// Mail refuses what is no plain mail address in the named member; "" is none.
func Mail(member, s string) error {
	if s != "" && !mailsyntax.IsAddress(s) {
		return act.Invalid(member, "", " %q is not a mail address such as me@example.org", s)
	}
	return nil
}

// Plain reports text that is safe to show anywhere: without control and format
// characters, line ends included.
func Plain(s string) bool {
	return !strings.ContainsFunc(s, mailsyntax.Hidden)
}

// Reason is a text for a ledger or a credit note: one line of at most 200 characters.
func Reason(text string) string {
	const most = 200
	return words.Cut(words.Clean(strings.TrimSpace(text)), most)
}

// Set takes over a member that is given.
func Set[T any](to *T, given *T) {
	if given != nil {
		*to = *given
	}
}

// Or is the value of a member, or the usual one where it was left out.
func Or[T any](given *T, usual T) T {
	if given != nil {
		return *given
	}
	return usual
}

// Or0 is the value of a member that may be left out.
func Or0[T any](given *T) (v T) { return Or(given, v) }

// OrNull is a text or an instant as answers have it: null where there is none.
func OrNull[T comparable](v T) *T {
	var none T
	if v == none {
		return nil
	}
	return &v
}

// OrUnlimited is the limit of a plan as answers have it: null where there is none.
func OrUnlimited(n int64) *int64 {
	n, limited := quota.Limit(n)
	if !limited {
		return nil
	}
	return &n
}

// Ceiling of overage in octets as answers have it: null where there is none.
func Ceiling(most int64) *int64 {
	if most == quota.Endless {
		return nil
	}
	return &most
}

// OrNone is a list as answers have it: never null.
func OrNone[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

var countryRE = regexp.MustCompile(`^[A-Z]{2}$`)

// IsCountry reports a code of ISO 3166-1.
func IsCountry(code string) bool {
	r, err := language.ParseRegion(code)
	return err == nil && countryRE.MatchString(code) && r.IsCountry()
}
