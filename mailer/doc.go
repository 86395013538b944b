// Package mailer hands spooled messages to their next hops (RFC 5321 §4.5.4.1).
//
// # The way of a message
//
//  1. the store names lanes (an account's mail to a domain) that have mail due:
//     at once for new mail, in a scan for what was deferred;
//  2. route: the domain's next hops are looked up, and make it part of a site;
//  3. claim: a few messages for each site, the accounts in turn, are claimed;
//     this stores their next try;
//  4. dial: a worker, which is one connection and its goroutine, takes the
//     next claim of its site, and connects to the first host that answers;
//  5. transfer: the message is signed, if it was not before, and sent in one
//     transaction for all of its recipients at the site; those that the host did
//     not take for now go on to the next host (back to 4), until every host of the
//     site had its chance (RFC 5321 §5.1);
//  6. settle: each recipient delivered, deferred, failed or expired, with the
//     DSNs about them, in one transaction of the store, before the worker sends
//     the end of the next message;
//  7. what is never tried, because its site is down, is seen to by a walk through
//     the spool in order of acceptance: delay DSNs and expiry.
//
// A crash before 4 loses nothing but memory: the next start has the claimed
// messages due again. One in 4 or 5 delays those that are dialled for until the
// next try that 3 stored. One between the final dot of 5 and the end of 6 sends
// one message a connection twice (RFC 1047). What a sender is to be told is stored
// with the outcome, and its DSN in the transaction that takes it off the list: it
// is neither lost nor doubled. In 7, too, marks and outcomes are one transaction. A
// clean stop (Run's context) breaks off 2 and 4, lets 5 and 6 end, and gives back
// what 3 claimed.
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
// message whose claim Open has released is never begun so, since Dialled comes before.
//
// # Who owns what
//
// One goroutine, in schedule.run, owns lanes, domains, sites, claims and ceilings; it
// never waits for the network or the disk to write. Look-ups, claims and workers
// run beside it and tell it what they found. Only hostMemory and doubts are shared,
// and each worker's leash.
//
// # Fairness
//
// Accounts take turns wherever there is a queue: for look-ups, for connections
// when all are in use, and at a site. None can fill the window of lanes in memory.
//
// Connections are shared as the window is: an account may have three for each that
// is free, and a few in any case. So one that sends to hosts which keep connections
// waiting leaves a quarter of them to others, whose mail goes at once; with several
// such accounts it is less, but never nothing as long as one is free. When all are
// in use and an account waits that has hardly any, the oldest attempt of the account
// that has most is broken off, if it has lasted for some seconds: it counts as an
// attempt and says nothing about the site. It is not broken off once the final dot
// may have been sent, since the message may then be taken, nor while content moves.
// What keeps a connection that long is bounded too: client.Timeouts has one
// deadline from the connection to the reply to DATA, and a least rate for content.
//
// # How fast
//
// What a provider takes is a row of package pace, and the ceilings are its machines: one
// for our source at each site, and others for accounts that have a profile of their own or
// are slowed there. A site asks the store for no more than may begin now. What waits for a
// ceiling is neither claimed nor dialled for, and an alarm wakes its site. Replies slow the
// site, or the account there; waiting never does. A suspension is stored with the outcome.
//
// A new account has a slower profile until the store says that it is proven, and recipients
// that it never wrote to wait in the store for their day (store.Record, store.FirstSending):
// the mailer says what outcomes mean for that, and learns of such mail when it is due. The
// operator's overrides slow, stop or bounce mail, or choose its source, for a time.
//
// # Where mail leaves from
//
// A site is a place as one source sees it: its turns, connections, ceilings and failures are
// that source's. Which source an account's mail takes is chosen when a lane begins to stand
// at a place (choice.go): of the account's pool, one whose warm-up has room, then one that
// needs none, then a standby. What waits moves when its source is drained, listed or gone, when
// the place refuses its address, or when it has sent today what its warm-up allows. A message
// of a warm-up is counted in the store with its outcome. An address that the machine lacks is no
// attempt of anything.
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
//
// # When a site fails
//
// When all hosts of a site fail and no connection to it is open, the site is left
// alone for an interval that grows, the message that found it counts an attempt,
// and all other claims go back uncounted; after the interval one message
// probes. A message that asks for more TLS than its hosts have waits, or fails,
// alone: for all others they are up. A domain whose next hops cannot be looked up
// is a site of its own that always fails.
//
// A 421 after MAIL, or a connection closed there, is about the mail that it was
// said to: five attempts in a row that end so leave the account's mail to that
// domain alone for an interval that grows, and nobody else's. Unless it was said to
// one recipient, the site gets fewer connections for a while as well.
package mailer
