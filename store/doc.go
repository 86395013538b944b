// Package store keeps everything that must last. Accounts, plans and the books are its own; the rest is
// in rooms below it, which are fields of Store: the mail that waits (store/spool), customers and logins
// (store/people), news, the trace and others. The store keeps what spans books and mail. Only it and its
// rooms know keys and encodings; store/engine, and store/bolt as its driver, know octets.
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
//  4. What was delivered is in the index of what was sent (package delivered) for 90 days. Returned
//     finds there what a bounce or a complaint is about, by the Message-ID or by the token of a
//     reverse-path.
//
// A crash before 2 returns leaves nothing but staged chunks, which the next Open removes. A later one
// leaves the message: it may go out twice (RFC 1047), but is never lost.
//
// # Orders and the ledger
//
// An account's balance, credit and use are sums of the entries of its ledger (package ledger), and its
// terms are in it as they were bought. Whatever changes them is an order (AddAccount, RecordPayment,
// Upgrade, Refund …):
//
//  1. It reads the account and closes its periods that are over: allowance, then
//     credit, then overage, which becomes an invoice; what is left is credited.
//  2. It works out in memory what it does: entries, invoices, the account as it will be.
//  3. It writes that, in the same transaction. A dry run leaves this step out.
//
// Entries, receipts, refusals and events are kinds with figures; report/words puts them
// into words. Only what is printed on an invoice is worded here, by Options.Print, and
// stays as it was issued.
//
// What customers are to be told of an order follows from its entries and is stored in that
// transaction as well (package news, deal_news.go); so is the warning that a term ends.
//
// A message makes no entry of its own. It is counted in the Charges of its period, and a day's use
// becomes one entry with the first message of another day. What is drawn on credit follows from the use,
// and becomes entries when the period is closed: by the job, by the next order, or by the first message
// that is accepted after its end. A crash leaves a period open or closed, and the job finds it either way.
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
// the limit does is told at once (limit_news.go), steps of use by a daily look (LookAtUse).
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
