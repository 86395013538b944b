// Package refusals keeps what the recipients of an account have refused: its suppressions and its
// list of errors. It knows no messages: the caller says which mailbox of which account refused, and
// what was said.
//
//   - Bucket "suppressions" has the recipients whose mail is accepted and charged, but not tried.
//   - Bucket "strikes" counts refusals that suppress a recipient only when they come again.
//   - Bucket "errors" has each recipient that mail of the account was given up for, by mailbox;
//     "errors-by-time" has their mailboxes by the last refusal, so that the newest are found
//     without reading the others; "error-counts" says how many there are. So a list of any length
//     costs an outcome the same, and an account without errors costs a delivery a look at its
//     count, once a transaction.
//
// The store's transactions call into the room:
//
//  1. the one that settles an attempt enters failed and expired recipients (Enter), suppresses
//     those whose refusal says so (Strike), and notes which recipients mail reached again
//     (Reached, Pardon);
//  2. the one that claims a message looks its recipients up (Suppression), gives the suppressed
//     ones up and enters them;
//  3. the one that records mail that came back enters and suppresses its recipient;
//  4. the one that removes an account removes what the room has of it (Forget), but for its list
//     of errors, which may be long: that goes afterwards, in small transactions (ForgetErrors).
//
// Flush writes the lengths of lists once a transaction, before its commit. So a crash leaves an
// outcome with its entry, its suppression and its count, or none of them. What a crash leaves of the
// list of an account that is gone, PruneErrors removes. Suppressions that somebody adds or lifts
// change in a transaction of their own.
//
// Mail that was claimed before its recipient was suppressed is still tried. A suppression ends by
// its time, at the look-up; PruneSuppressions only makes room. Relay's own mail (DSNs, reports) is
// never handed over: nobody is suppressed or listed for it. Nor is mail that the operator drops or
// lets fail, which says nothing of its recipients.
package refusals

import (
	"time"

	"relay/store/room"
)

// Options of the room.
type Options struct {
	// Done records a job as done, in the transaction that ends its work.
	Done func(t *room.Tx, job string, at time.Time) error
}

// Refusals are the suppressions and lists of errors of all accounts. Its methods may be called
// from any goroutine.
type Refusals struct {
	db *room.DB
	o  Options
}

// New keeps them in a store, whose engine must run Flush.
func New(db *room.DB, o Options) *Refusals { return &Refusals{db, o} }
