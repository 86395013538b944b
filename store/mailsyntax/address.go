package mailsyntax

import (
	"net/mail"
	"strings"
)

// IsAddress reports a plain mail address, without a name beside it, comments, or characters
// that a screen would not show.
func IsAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && !strings.ContainsFunc(s, Hidden)
}

// Matches reports whether an address is that of pattern, or, where pattern is an @domain, is at that
// domain. Case does not count.
func Matches(address, pattern string) bool {
	if strings.HasPrefix(pattern, "@") {
		n := len(address) - len(pattern)
		return n > 0 && strings.EqualFold(address[n:], pattern)
	}
	return strings.EqualFold(address, pattern)
}
