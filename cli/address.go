package cli

import (
	"strings"

	"relay/cli/exit"
	"relay/store/maildomain"
)

// checkAddress refuses what is no plain mail address.
func checkAddress(s string) error {
	if !maildomain.IsAddress(s) {
		return exit.Usage("", "%q is not a mail address", s)
	}
	return nil
}

// mostSenders of an account: they are looked through for each message.
const mostSenders = 100

// senderList checks what an account may send from: addresses and @domains, the
// domain's letters made small. The single word any, or nothing, is no restriction.
func senderList(list []string) ([]string, error) {
	if len(list) == 0 || (len(list) == 1 && list[0] == "any") {
		return nil, nil
	}
	if len(list) > mostSenders {
		return nil, exit.Usage("name @domains", "%d senders: at most %d", len(list), mostSenders)
	}
	var out []string
	for _, s := range list {
		local, domain, found := strings.Cut(s, "@")
		if at := strings.LastIndexByte(s, '@'); at > 0 {
			local, domain = s[:at], s[at+1:]
		}
		probe := s
		if local == "" {
			probe = "any" + s
		}
		if !found || !maildomain.IsAddress(probe) {
			return nil, exit.Usage("", "sender %q: an address, @domain or any", s)
		}
		out = append(out, local+"@"+strings.ToLower(domain))
	}
	return out, nil
}
