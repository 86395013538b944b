package books

import (
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/room"
)

// SetBilling holds for the invoices from now on.
func (s *Books) SetBilling(b ledger.Billing) {
	if b.Currency == "" {
		b.Currency = "EUR"
	}
	s.billing.Store(&b)
}

// Billing in force.
func (s *Books) Billing() ledger.Billing { return *s.billing.Load() }

// Currency that the books are kept in: from the first price that was agreed on it
// is for good, whatever Billing says.
func (s *Books) Currency() string {
	c := s.Billing().Currency
	_ = s.view(func(t *room.Tx) error { // fails once the store is closed
		if is := s.CurrencyIn(t); is != "" {
			c = is
		}
		return nil
	})
	return c
}

// CurrencyIn fails the transaction where it cannot be read: sums of two currencies would be
// of none.
func (s *Books) CurrencyIn(t *room.Tx) (c string) {
	ok, err := t.Read(bucket.Meta, keyCurrency, &c)
	switch {
	case err != nil:
		t.Fail(err)
		return ""
	case !ok:
		return s.Billing().Currency
	}
	return c
}

var keyInvoice, keyCurrency = []byte("invoice"), []byte("currency")
