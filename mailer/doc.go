// Package mailer has the schedule of deliveries: which spooled message goes when, from which source
// and over which connection (RFC 5321 §4.5.4.1).
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
//     the spool in order of acceptance (package walk): delay DSNs and expiry.
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
// # Who owns what
//
// One goroutine, in schedule.run, owns all that the packages of this table keep, and calls
// them; it never waits for the network or the disk to write. Look-ups, claims and workers run
// beside it and tell it what they found. Only hosts.Memory and hosts.Doubts are shared, and each
// worker's leash.
//
//	scan      when the store is looked through for lanes that are due
//	window    the lanes in memory
//	atlas     domains, where they lead to, and look-ups
//	site      places, their sites and the lanes there; pauses, overrides
//	origins   the sources that mail leaves from
//	accounts  how fast each account's mail may go
//	pacebook  what the store has of sites that are slower
//	flights   the messages that somebody has in hand
//	crew      the workers, and their shares among accounts
//	beside    work that runs beside that goroutine, and what it brings back
//
// Package prospect makes values of them for people.
//
// The schedule brings these together: it admits lanes, claims, gives jobs to workers, heeds what
// they heard, and writes down what is to last. What happens on a connection is package attempt's,
// and told there, with what is done when a host fails; package site tells of sites that fail.
//
// # Fairness
//
// Accounts take turns wherever there is a queue: for look-ups, for connections
// when all are in use, and at a site. None can fill the window of lanes in memory (package
// window), or take all connections; an attempt that is slow gives way (package crew).
//
// # How fast
//
// What a provider takes is a row of package pace, and the ceilings are its machines: one
// for our source at each site, and others for accounts (package accounts). A site asks the
// store for no more than may begin now. What waits for a ceiling is neither claimed nor dialled
// for, and an alarm wakes its site. Replies slow the site, or the account there; waiting never
// does. A suspension is stored with the outcome, and what is slower once a minute (package
// pacebook).
//
// Recipients that a new account never wrote to wait in the store for their day (strangers.Record,
// spooled.FirstSending): the mailer says what outcomes mean for that, and learns of such mail when
// it is due. The operator's overrides slow, stop or bounce mail, or choose its source, for a time.
//
// # Where mail leaves from
//
// A site is a place as one source sees it: its turns, connections, ceilings and failures are
// that source's. Package origins says which source an account's mail takes, and when that
// changes. A message of a warm-up is counted in the store with its outcome. An address that the
// machine lacks is no attempt of anything.
package mailer
