// Package spool keeps the mail that waits, of all accounts: what is due, who has it in hand, what
// became of it, and whom to tell. It knows no money, and of an account what Customer says.
//
// # The life of a message here
//
//  1. Enqueue stores envelope and queue keys, in the transaction that accepts the message and has
//     stored its body.
//  2. Claim takes due messages out of a lane, stores their next try, before anybody dials, and notes
//     the claims as open in bucket "claims".
//  3. Dialled notes which of them are being tried, some time after the dial.
//  4. Settle stores the outcomes of attempts, what senders are to be told of them, the statistics
//     and the list of errors, and removes a message with its last recipient, which sends the DSN.
//     One that must not wait for that long goes after a minute. Return gives back what was not
//     tried. Both end the claim.
//
// A crash after 2 leaves open claims: ReleaseClaims, at the start, has their mail due as before. One
// after 3 leaves the message for its next try: it may go out twice (RFC 1047), it is never lost.
//
// What an outcome means elsewhere is entered in other rooms (Rooms), in the transaction of the
// outcome: the trace, an account's statistics and its list of errors, what is known of sites, of
// domains' signatures and of recipients, the index of what was delivered.
//
// # The queue
//
// A lane is all mail of one account to one next-hop domain. The queue's key is lane, due time, ID, so
// that the head of a lane is found by one seek and a message costs the same whether it is the first
// or the millionth. Bucket "due" holds each lane once, under the due time of its head: what is due
// is read from its front. Start-up reads that, and the open claims.
//
// An entry's value is how many recipients wait there, so that Lanes sums up the queue from its keys.
// Totals and Ages are counters beside it: a look at them costs the same whatever waits.
//
// # Mail that does not go
//
// An operator holds, releases and drops messages (Operate). A suspension stops all of an account's
// (stop.go), the hold of a login what it has queued (held_mail.go), the cap of first sendings what
// is over it (package strangers). None of them looks at what waits: it is found when it comes up.
package spool
