// Package books keeps accounts and plans, and what accounts were charged, invoiced and paid: it reads and
// writes them, and decides nothing. Package orders changes accounts, package standing says what they may
// send.
//
// Buckets, and who writes them:
//
//	accounts             PutAccount, with their lines in accounts-of, below and closing (package people has
//	                     the first two)
//	plans                AddPlan, UpdatePlan, PutPlans; KeepResold, once
//	usage                charges of an account in a period, changed in memory and written by Flush; what became
//	                     of that mail lies beside them, and is package outcomes'
//	ledger               PutEntry
//	payments             PutPayment
//	invoices             PutInvoice, with their lines in billed, billed-to, billed-below, owed and dunning
//	meta                 the highest number of an invoice, the currency of the books and of prices, the
//	                     prefix of invoices without a Name
//
// Plans, void numbers and what Load keeps are written in transactions of their own, all else in those of an
// order or of a message that is charged. So a crash leaves each of them whole or not begun. The number of an
// invoice is known outside of the store, in the file that Options.HighWater names, before the commit that
// gives it out: a crash between the two leaves a number that is void (FollowNumbers), and none is given out
// twice, even where an older copy of the store is restored.
//
// The ledger of an account outlives it. Its balance, credit and use are the sums of its entries (package
// ledger); Verify proves that.
package books

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/ledger"
	"relay/store/room"
)

// Options of the books.
type Options struct {
	Zone    *time.Location // the operator's, in which months turn
	Log     *slog.Logger
	Billing ledger.Billing        // see SetBilling
	Print   func(*ledger.Invoice) // puts the lines of an invoice, and the cause of a credit note, into words before it is stored

	Path      string // of the store, which the high water names
	HighWater string // file that has the highest number of an invoice, beside the store; "": there is none
}

// Books are the books of a store. Their methods may be called from any goroutine.
type Books struct {
	db    *room.DB
	zone  *time.Location
	log   *slog.Logger
	words func(*ledger.Invoice) // see Options.Print

	path      string
	highWater string        // see Options
	highest   atomic.Uint64 // number that the file is known to have

	billing atomic.Pointer[ledger.Billing]
	before  string // prefix of invoices without a Name, see keepPrefix

	accounts room.Decoded[Account]
	sold     room.Decoded[quota.Plan] // as plans are sold now
	charged  room.Counters[Charges]
}

// New makes the books of a store. Load must be called before any other method.
func New(db *room.DB, o Options) *Books {
	s := &Books{db: db, zone: o.Zone, log: o.Log, words: o.Print, path: o.Path, highWater: o.HighWater}
	s.charged.Bucket = bucket.Usage
	s.SetBilling(o.Billing)
	return s
}

// Load reads the prefix of invoices that were issued before their names were kept, and stores it and the
// currency of prices where an older relay did not.
func (s *Books) Load(b ledger.Billing, readOnly bool) error { return s.keepPrefix(b, readOnly) }

// Flush writes what a transaction has collected: charges, and the highest number of an invoice, which must
// be known outside of the store before the commit that gives it out.
func (s *Books) Flush(b *engine.Tx) error { return errors.Join(s.flushNumbers(b), s.charged.Flush(b)) }

func (s *Books) view(fn func(*room.Tx) error) error {
	return s.db.View(func(t room.Tx) error { return fn(&t) })
}

func (s *Books) update(weight int, fn func(*room.Tx) error) error {
	return s.db.Update(weight, func(t room.Tx) error { return fn(&t) })
}

func (s *Books) carry(dryRun bool, fn func(*room.Tx) error) error {
	return s.db.Carry(dryRun, func(t room.Tx) error { return fn(&t) })
}
