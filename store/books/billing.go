package books

import (
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/room"
)

// SetBilling says who invoices, and how, from now on.
func (s *Books) SetBilling(b ledger.Billing) {
	if b.Currency == "" {
		b.Currency = "EUR"
	}
	s.billing.Store(&b)
}

// Billing in force.
func (s *Books) Billing() ledger.Billing { return *s.billing.Load() }

// Currency is that of the books: the one of the first price that was agreed on, for good, whatever
// Billing says.
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

// CurrencyIn is Currency as this transaction sees it. It fails the transaction where the currency
// cannot be read: sums of two currencies would be of none.
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
