package store

import (
	"relay/store/bucket"
	"relay/store/ledger"
)

// SetBilling holds for the invoices from now on.
func (s *Store) SetBilling(b ledger.Billing) {
	if b.Currency == "" {
		b.Currency = "EUR"
	}
	s.billing.Store(&b)
}

// Billing in force.
func (s *Store) Billing() ledger.Billing { return *s.billing.Load() }

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
