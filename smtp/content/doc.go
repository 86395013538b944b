// Package content passes a message's content once, from the connection to where it is kept,
// and checks and completes it on the way.
//
//  1. Read (read.go): DATA up to its final dot, or one chunk of BDAT. Only the octets that are
//     looked at are in memory, 32 KB at most.
//  2. Lines (Pass): dots of dot-stuffing are removed, bare LF becomes CRLF; bare CR, NUL and
//     long lines are refused. Size and 8-bit octets are counted.
//  3. Header (Submission): a customer's header is fixed up as RFC 6409 §8 allows. Received is
//     put in front, Bcc removed, exact repeats are folded, and From, Date and Message-ID are
//     added where they are missing. A listener with other rules gives the pass a Header of its
//     own.
//  4. What remains goes to the writer, in large pieces without a copy.
//
// After the first fault nothing is handed on: the rest is only counted, until the client has
// sent it all and can be told. A crash at any step leaves what the writer has taken so far.
package content
