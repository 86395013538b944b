// Package metrics shows the relay's figures as Prometheus reads them.
//
//  1. The parts count as they work, with counters of store/meter, which cost an atomic
//     addition; nothing of this package is on the way of a message.
//  2. A scrape reads the counters, and asks store and schedule how things stand now. It reads
//     a fixed number of records, whatever the queue holds, and counts sites in memory.
//  3. What does not answer within Patience is left out, and UpName says so.
//
// Nothing is labelled by account, domain or address: they are too many, and nobody's business.
// Labels are replies, outcomes, providers (rows of the operator's and relay's own), jobs.
// Counters begin at zero with the process.
package metrics
