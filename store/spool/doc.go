// Package spool keeps the mail that waits, of all accounts: what is due, what is being tried, what
// became of it, and what senders are to be told. It knows nothing of money, and of an account only what
// Customer says.
//
// # The life of a message here
//
//  1. Enqueue stores envelope and queue keys, in the transaction that accepts the message and has
//     stored its body.
//  2. Claim takes due messages out of a lane before anybody dials: it stores their next try, and notes
//     the claims as open in bucket "claims".
//  3. Dialled notes which of them are being tried, some time after the dial.
//  4. Settle stores the outcomes of attempts and what senders are to be told of them, and removes a
//     message with its last recipient. Return gives back what was not tried. Both end the claim.
//  5. One DSN tells a sender everything: with the last recipient, or a minute after the first outcome
//     that it tells of (dsn.go).
//
// A crash after 2 leaves open claims: ReleaseClaims, at the next start, has their mail due as before. One
// after 3 leaves the message for its next try: it may go out twice (RFC 1047), but is never lost.
//
// The transaction of an outcome also enters it in other rooms (Rooms): the trace, the account's
// statistics and list of errors, what is known of sites, of domains' signatures and of recipients, and
// the index of what was delivered.
//
// # The queue
//
// A lane is all mail of one account to one next-hop domain. The queue's key is lane, due time, ID. So one
// seek finds the head of a lane, and a message costs the same whether it is the first or the millionth.
// Bucket "due" holds each lane once, under the due time of its head. Its front is what is due. A start
// reads that, and the open claims.
//
// An entry's value is how many recipients wait there, so that Lanes can sum up the queue without reading
// messages. Totals and Ages are counters beside it, which cost the same whatever waits.
//
// # Mail that does not go
//
// An operator holds, releases and drops messages (Operate). A suspension stops all mail of an account
// (stop.go), the hold of a login stops what that login has queued (held_mail.go), and the cap of first
// sendings what is over it (package strangers). The last three search nothing when they begin: Claim
// finds the mail when it comes up.
package spool
