package route

import (
	"strings"

	"relay/store/maildomain"
)

// DomainOf is the domain of a reverse-path as the queue has it: lower case
// A-labels, or an address literal.
func DomainOf(address string) (string, bool) {
	i := strings.LastIndexByte(address, '@')
	if i < 0 {
		return "", false
	}
	_, ascii, ok := maildomain.Parse(strings.TrimSuffix(address[i+1:], "."))
	return ascii, ok
}
