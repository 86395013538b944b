package maildomain

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"
)

// IsAddress reports a plain mail address: without a name beside it, comments, or
// characters that a terminal would not show.
func IsAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError
	})
}
