// Package visit tests a relay from outside, as the mail program of a customer reaches it: relay
// test --server. It needs no relay on the machine, no configuration and no token.
//
//  1. names: the addresses of the server, IPv4 and IPv6.
//  2. doors: each port at each address, all at once: what answers, with which TLS, and where
//     nothing fit to answer does, who may be in the way.
//  3. the certificate, as a mail program on this machine judges it.
//  4. login, by the first door that is good. The password leaves only under a certificate that
//     was verified on that connection.
//  5. a message, and what can be seen of its way.
//
// Each step has its time, and all are bounded. Nothing is stored. An interrupted test leaves
// at most a message that the server has accepted.
package visit
