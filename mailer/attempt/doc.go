// Package attempt carries a message to its next hops over one connection, and stores what
// became of it.
//
//  1. The schedule gives a Worker a Job: a message's recipients at one site.
//  2. reach: the connection at hand is used, or one is made to the next host of the tour that
//     takes one. Hosts in trouble come last, and those that may have the message already.
//  3. transact: the message is signed, if it was not before, and sent in one transaction, or in
//     several where a host takes fewer recipients at once. Recipients that the host did not
//     take for now go on to the next host (RFC 5321 §5.1): back to 2.
//  4. settle: each recipient is delivered, deferred, failed or expired, in one transaction of
//     the store, before the end of the next message is sent. That message may come ahead.
//  5. The Worker tells its owner, and waits for the next Job, for a while.
//
// A crash before 4 leaves the next try that the claim stored. One between the final dot of 3
// and the end of 4 sends the message twice (RFC 1047).
//
// The goroutine of a Worker owns its connection and attempts. The schedule reaches into it by
// its channels and by its leash, which breaks an attempt off.
//
// # Round trips
//
// Where the host offers PIPELINING and has answered the last message within a second, a
// worker asks for the next claim when it is about to send the end of the message at
// hand. It gets the one that it would get after it, by the same turns and limits, and
// the commands of that message leave behind the end, in the same flight. Their replies
// come with the one to the end; the message at hand is settled, and the next content
// follows. So a message costs one round trip, by DATA as by BDAT (see client).
//
// A claim that came ahead is attempted when its turn comes, not before. If the
// connection ends earlier, goes on to another host, or keeps the claim waiting for ten
// seconds, or if the mailer stops, the claim goes back uncounted, before the others of
// its account: its MAIL may have been said, but nothing that a host could take. A
// message whose claim a start has released is never begun so: its Dialled comes first.
//
// # When a host fails
//
// A temporary failure before the message was taken, at whatever stage, sends the
// recipients that are left to the next host in the same attempt; what one host
// has taken or refused stays so. A connection that is lost after the final dot
// leaves open whether the message was taken: its recipients wait for the next
// attempt, since another host could send it twice at once, and that attempt asks the
// other hosts first. What is decided is settled before the next host is dialled. An
// attempt dials up to 16 addresses, each host's first one before any second where
// there are more, and begins with no further host after a quarter of an hour.
//
// Trouble belongs to the address. One that takes no connection, or breaks off at
// the first MAIL, is passed over for an interval that grows, and then tried by one
// connection; so is one that breaks off the mail of several domains in a row, or
// without a word what another host then takes. A host that closes at EHLO is
// greeted with HELO, and one that breaks off a flight of commands is told them one
// by one, on a new connection; the second way is remembered for a day if it worked.
// The same holds for one that breaks off the first commands sent behind the end of a
// message, or refuses all of them or a BDAT by a reply that is hardly about the
// message, such as 500 or 503: the message is told again, plainly, and only what is said
// then counts. If what broke off was the reply to such an end, the message may have
// been taken and waits for its next attempt; the host is told plainly at once.
// Where TLS is a bonus and breaks, the message at hand goes in the clear, over a
// connection that no other one gets; only when that was needed three times in a
// row is it remembered, for an hour.
package attempt
