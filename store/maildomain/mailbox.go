package maildomain

import "strings"

// Mailbox is an address as it is compared: the domain in lower case A-labels, the local
// part in lower case. Case in local parts means nothing to any large receiver, and people
// write the same address in different ways into their lists.
func Mailbox(address string) (key string, ok bool) {
	local, domain, ok := Split(address)
	return strings.ToLower(local) + "@" + domain, ok && local != ""
}
