// Package strangers limits first sendings (M8): how many recipients a day an account may write to that it
// never wrote to before. What is over the day's cap waits. The cap follows from the account's record,
// which is what its mail by MX came to, day by day (package record has the arithmetic).
//
//  1. The transaction that accepts a message gives each first sending a day (Plan). Where that is a later
//     day, the next try is that day's beginning: the recipient lies in the queue behind what is due, and
//     is not looked at before.
//  2. The one that claims the message asks again (MayGo): if the days between were not clean, some of
//     what is due may not go yet and gets another day.
//  3. The one that settles an attempt enters each outcome in the record, and notes a recipient that was
//     reached as known (Note, package known).
//
// Bucket "records", key account, has the records. Bucket "waiting" lists the recipients that wait, by
// account (List). Where the rules or the cap change, a chore plans them anew (SetRules, PlanAgain).
//
// What a transaction changes in a record is written once, by Flush, before the commit. So after a crash
// each recipient has its day or its grant, and is counted once. Relay's own mail does not wait.
package strangers

import (
	"sync/atomic"
	"time"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/known"
	"relay/store/news"
	"relay/store/outcomes"
	"relay/store/refusals"
	"relay/store/room"
)

// Options of the room.
type Options struct {
	Zone *time.Location // the operator's, in which days turn

	Known    *known.Recipients
	Refusals *refusals.Refusals
	Outcomes *outcomes.Outcomes

	// Customer looks an account up. It fails with room.ErrNotFound for one that is gone.
	Customer func(t *room.Tx, account string) (Customer, error)
	// Tell stores the news that an account's mail waits.
	Tell func(t *room.Tx, n news.Item) error
}

// Customer is what the cap of an account depends on.
type Customer interface {
	// FirstSendings is the cap that was set for the account; 0: as Rules say, NoCap: there is none.
	FirstSendings() int
	// Includes is how many e-mails the plan of that time includes; 0: any number.
	Includes(now time.Time) int64
	// Activated is when the account became active; zero: it is not yet.
	Activated() time.Time
}

// NoCap is what Customer.FirstSendings returns for an account without a cap.
const NoCap = -1

// Strangers are the records and caps of all accounts. Its methods may be called from any
// goroutine.
type Strangers struct {
	db      *room.DB
	o       Options
	rules   atomic.Pointer[Rules]
	changed engine.Key[map[string]*recordState] // by account
}

// New keeps them in a store, whose engine must run Flush.
func New(db *room.DB, o Options) *Strangers { return &Strangers{db: db, o: o} }

// Flush writes the records that a transaction has changed.
func (s *Strangers) Flush(b *engine.Tx) error {
	all := s.changed.Of(b)
	if all == nil {
		return nil
	}
	t := room.Tx{Tx: b}
	for account, r := range *all {
		if r.is == r.was {
			continue
		}
		if err := t.Write(bucket.Records, []byte(account), &r.is); err != nil {
			return err
		}
	}
	return nil
}

// Forget removes an account's record, and what this transaction has changed in it: Flush would write the
// record again.
func (s *Strangers) Forget(t *room.Tx, account string) error {
	delete(*s.changed.In(t.Tx), account)
	return t.Delete(bucket.Records, []byte(account))
}
