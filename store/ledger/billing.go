package ledger

import (
	"time"

	"relay/quota"
)

// Billing is what the operator's invoices have in common.
type Billing struct {
	Currency  string // ISO 4217; "": EUR. What is sold in another one than Store.Currency is refused
	TaxRate   quota.Rate
	Seller    []string // lines of the operator's address
	Prefix    string   // of the numbers of new invoices; it does not end with a digit
	DueDays   int      // days from an invoice to its due date
	GraceDays int      // days after the due date before an unpaid invoice suspends the account
	OrderDays int      // days after the due date of an order, or the term's end, before it expires; 0: never
}

// Consent is the version of the operator's terms that a customer agreed to (M34).
type Consent struct {
	Version string    `json:"version,omitempty"` // "": to none
	Time    time.Time `json:"time,omitzero"`     // filled in
}
