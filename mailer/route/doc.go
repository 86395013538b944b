// Package route finds the next hops of a domain (RFC 5321 §5.1).
//
//  1. a static route (the smarthost, or a domain's own) goes before DNS;
//  2. an address literal is its own next hop;
//  3. else the domain's MX by preference, shuffled among equals, or the domain's
//     own addresses where it has none; a null MX (RFC 7505) takes no mail;
//  4. we and what stands behind us in the MX are struck out, and addresses that
//     nobody outside can have, unless allowed;
//  5. what is left are the hosts to try, in order.
//
// Domains whose MX hosts are the same set are one site: they share the key
// Path.Site, and with it connections and limits.
package route
