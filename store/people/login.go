package people

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"relay/quota"
)

// FoldLogin is a user name as it is compared: without case, in NFC. Logins are stored so.
func FoldLogin(name string) string {
	for i := range len(name) {
		if name[i] >= utf8.RuneSelf {
			return norm.NFC.String(strings.ToLower(norm.NFC.String(name)))
		}
	}
	return strings.ToLower(name)
}

// ValidLogin refuses a login that another one could be taken for: ValidName leaves
// one form of each.
func ValidLogin(login string) error {
	if !quota.ValidName(login) {
		return fmt.Errorf("login %q: up to 64 of a-z 0-9 . _ @ + -, starting with a letter or digit", login)
	}
	return nil
}
