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
//  5. transfer: one transaction for all recipients of the message at the site;
//  6. settle: each recipient delivered, deferred, failed or expired, with the
//     DSNs about them, in one transaction of the store, before the worker takes
//     the next message;
//  7. what is never tried, because its site is down, is seen to by a walk through
//     the spool in order of acceptance: delay DSNs and expiry.
//
// A crash before 4 loses nothing but memory: the next start has the claimed
// messages due again. One in 4 or 5 delays those that are dialled for until the
// next try that 3 stored. One between the final dot of 5 and the end of 6 sends one message a connection
// twice (RFC 1047). A DSN is in the transaction that makes it due: it is neither
// lost nor doubled. In 7, too, marks, outcomes and DSNs are one transaction. A
// clean stop (Run's context) breaks off 2 and 4, lets 5 and 6 end, and gives back
// what 3 claimed.
//
// # Who owns what
//
// One goroutine, in schedule.run, owns lanes, domains, sites and claims; it
// never waits for the network or the disk to write. Look-ups, claims and workers
// run beside it and tell it what they found. Only hostMemory is shared.
//
// # Fairness
//
// Accounts take turns wherever there is a queue: for look-ups, for connections
// when all are in use, and at a site. None can fill the window of lanes in memory.
//
// # When a site fails
//
// A host that does not take a connection is passed over for some minutes. When
// all hosts of a site fail and no connection to it is open, the site is left
// alone for an interval that grows, the message that found it counts an attempt,
// and all other claims go back uncounted; after the interval one message
// probes. A message that asks for more TLS than its hosts have waits, or fails,
// alone: for all others they are up. A domain whose next hops cannot be looked up is a site of its own that
// always fails. A greeting, or a first MAIL, that is answered with 421 is such a
// failure; later in a transaction it defers the message, and the site gets fewer
// connections for a while.
package mailer
