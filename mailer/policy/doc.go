// Package policy says what TLS a domain asks of connections to its mail hosts: by MTA-STS
// (RFC 8461) and by DANE (RFC 7672).
//
//  1. Book.Terms is asked with the way to a domain. It asks the DNS for the domain's
//     MTA-STS record and, where DNSSEC proved the MX and the addresses of a host, for the
//     host's TLSA records. What the DNS says is cached by the resolver.
//  2. A policy that the store does not have, or has under another id, is fetched over
//     HTTPS, within FetchTime, and stored. While it cannot be fetched the stored one
//     holds until its max_age is over; without one, mail goes as if there were none.
//  3. Terms say of each host whether it may be used, what its TLS must be, and whether a
//     connection is as they want. A mode of testing asks nothing.
//  4. Book.Run fetches stored policies anew once a day, and forgets what has expired.
//
// DANE goes before MTA-STS at each host that has TLSA records which can be used. Usages
// 0 and 1 cannot be, nor can unknown selectors or hashes: a host that has only such
// records must offer TLS, and nobody looks at its certificate, unless MTA-STS does. Terms
// belong to a domain, not to the hosts that it may share with others: a connection carries
// mail of several domains only if it is as each of them wants.
//
// A policy is stored in a transaction of its own (bucket "tls-policies"). A crash loses at
// most what was fetched a moment ago, and that is fetched again.
package policy
