// Package blocklist asks blocklists in the DNS (RFC 5782) about addresses and domains.
//
//  1. Lists are data: ours, and an operator's own file over them, with keys.
//  2. A list is healthy when it lists what is always listed there and does not list what
//     never is. What an unhealthy list says counts for nothing: a list that was closed lists
//     everything, or nothing.
//  3. Ask asks one list about one address or domain. An answer in 127.255.255.0/24 is
//     ErrRefused: the list does not serve this resolver, and has said nothing.
//  4. Public tells resolvers that lists refuse, or answer falsely, because everybody uses
//     them. They are not to be asked.
//
// To look at a domain:
//
//	for _, l := range lists.Of(blocklist.Domains) {
//		if l.Healthy(ctx, names) == nil {
//			answer, err := l.Ask(ctx, names, "example.com")
//		}
//	}
//
// It keeps nothing: when a list was healthy last is for the caller to remember.
package blocklist
