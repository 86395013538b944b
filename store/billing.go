package store

import (
	"time"

	"relay/quota"
	"relay/store/bucket"
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

// SetBilling holds for the invoices from now on.
func (s *Store) SetBilling(b Billing) {
	if b.Currency == "" {
		b.Currency = "EUR"
	}
	s.billing.Store(&b)
}

// Billing in force.
func (s *Store) Billing() Billing { return *s.billing.Load() }

// Currency that the books are kept in: from the first price that was agreed on it
// is for good, whatever Billing says.
func (s *Store) Currency() string {
	c := s.Billing().Currency
	_ = s.view(func(t *tx) error { // fails once the store is closed
		if is := t.currency(); is != "" {
			c = is
		}
		return nil
	})
	return c
}

// currency fails the transaction where it cannot be read: sums of two currencies would be
// of none.
func (t *tx) currency() (c string) {
	ok, err := t.Read(bucket.Meta, keyCurrency, &c)
	switch {
	case err != nil:
		t.Fail(err)
		return ""
	case !ok:
		return t.s.Billing().Currency
	}
	return c
}
