// Package orders changes accounts and what they have in the books: opens and closes them, sells terms and
// credit, invoices, takes payments and takes them back, suspends and resumes.
//
// An account's balance, credit and use are sums of the entries of its ledger, and its terms are in it as
// they were bought. Whatever changes them is an order (AddAccount, RecordPayment, Upgrade, Refund …):
//
//  1. It reads the account and closes its periods that are over: allowance, then credit, then overage,
//     which becomes an invoice; what is left is credited.
//  2. It works out in memory what it does (Deal): entries, invoices, the account as it will be.
//  3. It writes that, in the same transaction, and hands it (Result) to the function that New was given,
//     which does what it means for the account's mail and stores what its customer is to be told. A dry
//     run leaves this step out.
//
// So a crash leaves an order done or not begun. The records are those of package books, which says where
// they lie; this package has no bucket of its own. It reads the index closing for periods that are over and
// the index dunning for invoices that wait. Entries, receipts and refusals are kinds with figures;
// report/words puts them into words. Only the text of an invoice is worded when it is issued, by
// books.Options.Print, and stays so.
//
// A message makes no entry of its own. It is counted in the Charges of its period, and a day's use becomes
// one entry with the first message of another day. What is drawn on credit follows from the use, and
// becomes entries when the period is closed: by the job (CloseBy), by the next order, or by the first
// message that is accepted after its end. A crash leaves a period open or closed, and the job finds it
// either way.
package orders

import (
	"errors"
	"time"

	"relay/store/books"
	"relay/store/room"
)

// Errors for errors.Is.
var (
	ErrUsed    = errors.New("an earlier account had this name") // its books would become the new one's
	ErrOwing   = errors.New("is not settled")
	ErrPending = errors.New("is not active yet")
	ErrActive  = errors.New("is active already")
	ErrWaits   = errors.New("waits for a payment already")
	ErrClosed  = errors.New("is closed for good")

	ErrNotYours        = errors.New("is for the operator to change") // refuses a reseller
	ErrTooManyAccounts = errors.New("no more accounts are allowed below this reseller")
	ErrSeveral         = errors.New("several payments have the reference") // by several methods
	ErrReversed        = errors.New("was already taken back")              // of a payment
)

// Orders changes the accounts of a store. Its methods may be called from any goroutine.
type Orders struct {
	db    *room.DB
	zone  *time.Location
	books *books.Books
	done  func(*room.Tx, *Result) error
}

// New takes orders on the accounts of books. done is called in the transaction of each order, once that
// is written, and does what else the order means for the account; its error fails the order.
func New(db *room.DB, zone *time.Location, books *books.Books, done func(*room.Tx, *Result) error) *Orders {
	return &Orders{db: db, zone: zone, books: books, done: done}
}

func (s *Orders) view(fn func(*room.Tx) error) error {
	return s.db.View(func(t room.Tx) error { return fn(&t) })
}

// carry runs an order in a transaction of its own: a dry run only reads.
func (s *Orders) carry(dryRun bool, fn func(*room.Tx) error) error {
	return s.db.Carry(dryRun, func(t room.Tx) error { return fn(&t) })
}
