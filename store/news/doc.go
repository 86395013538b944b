// Package news keeps what customers and the operator are to be told, until they are told, and
// what they were told already.
//
//  1. Add stores an item, in the transaction that it follows from.
//  2. Due hands it out when it is due. The store's Telling reads the facts.
//  3. The mail is written outside of any transaction: it may have a chart.
//  4. The store's Tell queues the mails, takes the item away (Take) and notes it as told
//     (NoteTold), in one transaction.
//
// A crash before 4 leaves the item for the next start, and nothing was sent. A crash after it
// leaves the mails in the queue. So each item is told once.
//
// Buckets: "news" has the items, "news-due" their order, in the same transactions. "told" has
// what is remembered of items that were told, of what the daily look told, and how many mails
// of sudden kinds an account and an address had in a day.
package news
