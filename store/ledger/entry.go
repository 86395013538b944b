package ledger

import (
	"time"

	"relay/quota"
)

// Kind of a ledger entry.
type Kind string

// Kinds that count units of the plan or money.
const (
	KindCharge     Kind = "charge"      // what one Day used of a Period: Messages, Bytes
	KindGrant      Kind = "grant"       // a Period's allowance: Messages, Bytes; 0: no limit
	KindTopUp      Kind = "topup"       // credit that was bought
	KindCredit     Kind = "credit"      // what blocks for overage left unused
	KindCarried    Kind = "carried"     // what a term of 30 days left that the next began before its end
	KindDraw       Kind = "draw"        // credit used in a Period
	KindRounded    Kind = "rounded"     // credit lost, not a whole step
	KindExpired    Kind = "expired"     // credit lost at the end of the term
	KindOverage    Kind = "overage"     // used in a Period beyond allowance and credit; of no lot
	KindInvoice    Kind = "invoice"     // owed
	KindPayment    Kind = "payment"     // received
	KindRefund     Kind = "refund"      // paid back
	KindReversal   Kind = "reversal"    // a payment that was taken back
	KindCreditNote Kind = "credit-note" // an invoice taken back
	KindCorrection Kind = "correction"  // by the operator, either way
)

// Kinds that say what happened.
const (
	KindActivated Kind = "activated" // with the Contract
	KindRenewed   Kind = "renewed"   // with the Contract
	KindReturned  Kind = "returned"  // with the Contract, which had not begun
	KindUpgraded  Kind = "upgraded"  // with the Contract as it is now
	KindPlan      Kind = "plan"      // changed by the operator, with the Contract as it is now
	KindSuspended Kind = "suspended"
	KindResumed   Kind = "resumed"
	KindLimit     Kind = "at-limit"
	KindOverMax   Kind = "over-max" // ceiling of overage
	KindAbuse     Kind = "abuse"
	KindConsent   Kind = "consent" // to terms of service, the version being the note
	KindWarned    Kind = "warned"  // that a term ends, the Period being its first; Ref: the renewal that waits
	KindClosed    Kind = "closed"  // a Period
	KindEnded     Kind = "ended"   // the account
)

// Entry of an account's ledger. Bucket "ledger", key account NUL Seq, JSON.
// None is ever changed or deleted. Sums of them are the account's Balance
// (Money), its Lots (Units by Lot) and the usage of its periods (of charges).
type Entry struct {
	Account  string          `json:"account"`
	Seq      uint64          `json:"seq"`  // 1, 2, 3 …
	Time     time.Time       `json:"time"` // from when it holds: of a close the period's end, however late it ran; Issued of the invoice says when it did
	Kind     Kind            `json:"kind"`
	Period   string          `json:"period,omitempty"`
	Day      string          `json:"day,omitempty"`      // of a charge, in the operator's zone; "" before days were kept
	Messages int64           `json:"messages,omitempty"` // e-mails
	Bytes    int64           `json:"bytes,omitempty"`    // octets
	Units    int64           `json:"units,omitempty"`    // of the plan, signed
	Over     int64           `json:"over,omitempty"`     // units that were overage until an upgrade, a top-up, a credit or another plan
	Lot      string          `json:"lot,omitempty"`      // credit that Units belong to
	Expires  time.Time       `json:"expires,omitzero"`   // of the credit
	Money    int64           `json:"money,omitempty"`    // minor units, signed: positive is in the customer's favour
	Currency string          `json:"currency,omitempty"`
	Ref      string          `json:"ref,omitempty"`  // number of the invoice
	Also     []uint64        `json:"also,omitempty"` // more that a payment named
	By       string          `json:"by,omitempty"`   // "": relay itself
	Note     string          `json:"text,omitempty"` // in somebody's own words; up to schema 8 all that there is to say
	Contract *quota.Contract `json:"contract,omitempty"`
	Facts
}
