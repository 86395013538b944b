// Package strangers limits how many recipients a day an account reaches that it never wrote to
// (M8): first sendings. What is over the day's cap waits. The cap follows from the account's
// record: what its mail by MX came to, day by day (package record has the arithmetic).
//
//  1. Accept has each of them planned (Plan). If its day is a later one, its next try is that day's
//     beginning, so it lies in the queue behind what is due, and is not looked at before;
//  2. Claim asks again (MayGo): if the days were not clean, some of what is due cannot go and is
//     planned anew;
//  3. Settle brings what an outcome says into the record, and notes recipients that were reached as
//     known (Note, package known).
//
// Bucket "records", key account, has the records; "waiting" lists the recipients that wait, by
// account, so that a greater cap lets them go without a search (PlanAgain). Each step is in the
// transaction that it belongs to, and Flush writes a record once a transaction: after a crash a
// recipient has its place or its grant, once. Relay's own mail does not wait.
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

	// Customer is an account. It fails with room.ErrNotFound for one that is gone.
	Customer func(t *room.Tx, account string) (Customer, error)
	// Tell has an account told that mail of it waits.
	Tell func(t *room.Tx, n news.Item) error
}

// Customer is an account, as far as its cap goes by it.
type Customer interface {
	// FirstSendings a day; 0: as the operator says, NoCap: any number.
	FirstSendings() int
	// Includes is how many e-mails the plan of then includes; 0: any number.
	Includes(now time.Time) int64
	// Activated is when the account became active; zero: it has not.
	Activated() time.Time
}

// NoCap in Customer.FirstSendings: the account has none.
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

// Forget removes an account's record. What this transaction has counted must not bring it back.
func (s *Strangers) Forget(t *room.Tx, account string) error {
	delete(*s.changed.In(t.Tx), account)
	return t.Delete(bucket.Records, []byte(account))
}
