// Package jobs has the scheduled jobs. Cron and relay job run call the
// same functions; each returns what it did.
//
//  1. close settles what every account used in the months that are over, from its
//     allowance, its credit, and blocks that are invoiced.
//  2. dun suspends accounts that have not paid within the days of grace, has customers
//     reminded a week before that, and cancels orders that nobody has paid.
//  3. warn has customers told before their last term ends.
//  4. usage looks each day which accounts have used another step of their allowance.
//  5. prune trace removes events that are older than trace_keep, and errors and outcomes
//     after 400 days; it brings on the index of what was sent.
//  6. domains turns the keys over that sign mail, and looks in the DNS which domains are
//     delegated and let us send by SPF; it has customers told what a domain lost.
//  7. suppressions removes those that have ended.
//  8. blocklists asks whether the sources are listed, and has the operator told.
//  9. tls reports queues the reports that domains ask for.
//  10. backup makes a copy of the store, and removes older ones.
//  11. store check proves a copy of the store.
//  12. digest has the operator told how the relay stands, if there is something to tell.
//
// What a job has customers or the operator told is news in the store. RunNews writes its
// mails, as they come due.
//
// Each account is a transaction of its own, and what is done is not due any more. So
// a job may run late, often, and at the same time as a command; a crash leaves the
// rest to the next run. An account that fails holds up no other; it is tried again
// each time.
//
// What a job has done is recorded in the store under its name (joblog.State):
//
//   - digest in the one transaction that it consists of; prune trace and suppressions in the
//     last one of a step, or of the run;
//   - close, dun, warn and usage, whose accounts are transactions of their own, several at a
//     time, domains, blocklists and tls reports, which ask others between them, and backup and
//     store check, which write a file, in a transaction that follows the last one.
//
// A crash before the record has the job run again at the next start. It finds done what is
// done: an order is not due any more, news is marked as told, a listing is known; a backup is
// made once more. So the world sees one run. How a run ended is recorded after it. A run that
// fails, or panics, fails alone; the operator is told once until the job works again.
package jobs
