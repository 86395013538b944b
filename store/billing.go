package store

import (
	"time"

	"relay/quota"
)

// Billing is what the operator's invoices have in common.
type Billing struct {
	Currency  string   // ISO 4217; "": EUR. It cannot change once there is an invoice
	TaxRate   int64    // basis points: 2200 is 22 %
	Seller    []string // lines of the operator's address
	DueDays   int      // from an invoice to its due date
	GraceDays int      // from the due date until what was had and not paid suspends
}

// SetBilling holds for the invoices from now on.
func (s *Store) SetBilling(b Billing) {
	if b.Currency == "" {
		b.Currency = "EUR"
	}
	s.billing.Store(&b)
}

// Billing in force.
func (s *Store) Billing() Billing { return *s.billing.Load() }

// Order says who orders, and whether it is to be done or only worked out.
type Order struct {
	By     string // who, for the ledger; "": relay itself
	DryRun bool   // change nothing; the Receipt is what it would be

	Reseller string // who may change the accounts below it only, see reseller.go; "": any
}

// Line is one line of what an order comes to.
type Line struct {
	Text   string
	Amount int64 // minor units
}

// Receipt is what an order came to, or would. It is filled in as far as it goes
// when the order is refused.
type Receipt struct {
	Before, After Account
	Entries       []Entry   // that the ledger got
	Invoices      []Invoice // that are new or changed, by number; credit notes too
	Lines         []Line    // the figures, line by line
	Amount        int64     // minor units: of what was or would be invoiced, or paid back
}

// Kind of a ledger entry.
type Kind string

// Kinds that count units of the plan or money.
const (
	KindCharge     Kind = "charge"      // what one Day used of a Period: Messages, Bytes
	KindGrant      Kind = "grant"       // a Period's allowance: Messages, Bytes; 0: no limit
	KindTopUp      Kind = "topup"       // credit that was bought
	KindCredit     Kind = "credit"      // what blocks for overage left unused
	KindDraw       Kind = "draw"        // credit used in a Period
	KindRounded    Kind = "rounded"     // credit lost, not a whole step
	KindExpired    Kind = "expired"     // credit lost at the end of the term
	KindOverage    Kind = "overage"     // used in a Period beyond allowance and credit; of no lot
	KindInvoice    Kind = "invoice"     // owed
	KindPayment    Kind = "payment"     // received
	KindRefund     Kind = "refund"      // paid back
	KindCreditNote Kind = "credit-note" // an invoice taken back
	KindCorrection Kind = "correction"  // by the operator, either way
)

// Kinds that say what happened.
const (
	KindActivated Kind = "activated" // with the Contract
	KindRenewed   Kind = "renewed"   // with the Contract
	KindUpgraded  Kind = "upgraded"  // with the Contract as it is now
	KindPlan      Kind = "plan"      // changed by the operator, with the Contract as it is now
	KindSuspended Kind = "suspended"
	KindResumed   Kind = "resumed"
	KindLimit     Kind = "at-limit"
	KindAbuse     Kind = "abuse"
	KindClosed    Kind = "closed" // a Period
	KindEnded     Kind = "ended"  // the account
)

// Entry of an account's ledger. Bucket "ledger", key account NUL Seq, JSON.
// None is ever changed or deleted. Sums of them are the account's Balance
// (Money), its Lots (Units by Lot) and the usage of its periods (of charges).
type Entry struct {
	Account  string          `json:"account"`
	Seq      uint64          `json:"seq"`  // 1, 2, 3 …
	Time     time.Time       `json:"time"` // from when it holds: a period's end for what its close found, however late it ran
	Kind     Kind            `json:"kind"`
	Period   string          `json:"period,omitempty"`
	Day      string          `json:"day,omitempty"`      // of a charge, in the operator's zone; "" before days were kept
	Messages int64           `json:"messages,omitempty"` // e-mails
	Bytes    int64           `json:"bytes,omitempty"`    // octets
	Units    int64           `json:"units,omitempty"`    // of the plan, signed
	Lot      string          `json:"lot,omitempty"`      // credit that Units belong to
	Expires  time.Time       `json:"expires,omitzero"`   // of the credit
	Money    int64           `json:"money,omitempty"`    // minor units, signed: positive is in the customer's favour
	Currency string          `json:"currency,omitempty"`
	Ref      string          `json:"ref,omitempty"` // number of the invoice
	By       string          `json:"by,omitempty"`  // "": relay itself
	Text     string          `json:"text,omitempty"`
	Contract *quota.Contract `json:"contract,omitempty"`
}

// Ledger calls fn for the entries of an account, oldest first, outside of any
// transaction. It outlives the account.
func (s *Store) Ledger(account string, fn func(*Entry) error) error {
	prefix := ledgerPrefix(account)
	err := walk(s, ledger, prefix, func(k []byte, e *Entry) error {
		if !hasPrefix(k, prefix) {
			return errEnough
		}
		return fn(e)
	})
	if err == errEnough {
		return nil
	}
	return err
}
