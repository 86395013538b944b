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
