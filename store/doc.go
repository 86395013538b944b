// Package store keeps everything that must last, in rooms that are fields of Store: accounts and what they
// were charged (store/books), orders that change them (store/orders), where they stand (store/standing),
// the mail that waits (store/spool), what comes back (store/returns) and what it says against an account
// (store/abuse), reports (store/overview), customers and logins (store/people), news, the trace and others.
// What is here spans books and mail: Accept; what an order means for the mail; the mails of news; holds of
// logins; Verify; the migrations. Only the store and its rooms know keys and encodings; store/engine, and
// store/bolt as its driver, know octets.
//
// # The life of a message here
//
//  1. A body (package bodies) collects the content; above 1 MiB, or less where bodies take much
//     memory, it is staged on disk as it arrives, under a mark in bucket "orphans".
//  2. Accept decides the quota, charges it, stores envelope, body and queue
//     keys, and takes the mark away, all in one transaction. It returns when
//     that is on disk. Until its first other event, the message itself is the
//     trace of its acceptance.
//  3. The spool hands the message out, stores what became of it and removes it: package spool.
//  4. What was delivered is in the index of what was sent (package delivered) for 90 days. Package
//     returns finds there what a bounce or a complaint is about, by the Message-ID or by the token of a
//     reverse-path.
//
// A crash before 2 returns leaves nothing but staged chunks, which the next Open removes. A later one
// leaves the message: it may go out twice (RFC 1047), but is never lost.
//
// # The life of an order
//
// Package orders has its steps. The last one calls ordered here, in the same transaction: the mail of an
// account that was suspended is stopped, and what its customer is to be told is stored as news
// (order_news.go). A crash leaves all of it or nothing.
//
// # Use
//
// What an account used of a period is two records, neighbours in bucket "usage": Charges, which
// belong to the books, and outcomes.Progress, which belongs to the mail. Accept writes both, and
// spool.Settle only the latter, each in its own transaction: a crash leaves all of it or nothing.
// Neither side reads the other's record; Usage joins the two for readers.
//
// How many e-mails are queued is stored nowhere. They are those charged, less the delivered and the
// failed, and only readers ask for them (Usage, Kept). Progress counts what the mail itself needs: an
// account's messages that wait, asked for before the account is removed, and their octets, asked for
// where the disk is nearly full. Verify proves that all of these agree with the messages.
//
// Each side ends its days by itself: the books when the charges of a day become an entry, the mail with
// the first outcome of mail of a later day.
//
// # What is told
//
// What a customer or the operator is to be told is news: stored by the transaction that it
// follows from, and taken away by the one that queues its mails. Package news has the steps. What
// the limit does is told at once, steps of use by a daily look (package standing).
//
// # Who watches
//
// Watch and Follow of package trace show events as soon as they are on disk, acceptances too. A crash
// loses none: the feed is in memory, but the trace is written in the transaction. A watcher that does not
// keep up is told how many events it missed, and holds up nobody.
//
// Instants are UTC. The wall clock comes in through Options.Now. The books have a clock
// that stands still while the wall clock is plainly wrong; see BookTime and Hold.
package store
