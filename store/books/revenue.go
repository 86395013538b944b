package books

import (
	"cmp"
	"sort"
	"time"

	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/room"
)

// Revenue is what invoices come to, credit notes taken off, in minor units with tax.
type Revenue struct {
	Invoiced, Paid, Open int64
	Currency             string // "": nothing was sold yet
}

// RevenueSince sums up the invoices that were issued from an instant on. It finds the first
// of them by halves, and reads no other.
func (s *Books) RevenueSince(at time.Time) (r Revenue, err error) {
	var first uint64
	err = s.view(func(t *room.Tx) error {
		r.Currency = s.CurrencyIn(t)
		k, _ := t.Cursor(bucket.Invoices).Last()
		if k == nil {
			return nil
		}
		first = 1 + uint64(sort.Search(int(room.LastNumber(k)), func(n int) bool { // numbers have no gaps, and are given out in time
			i, e := s.InvoiceIn(t, uint64(n)+1)
			err = cmp.Or(err, e)
			return e != nil || !i.Issued.Before(at)
		}))
		return err
	})
	if err != nil || first == 0 {
		return r, err
	}
	err = s.Invoices(first, func(i *ledger.Invoice) error {
		r.Invoiced, r.Open = r.Invoiced+i.Total, r.Open+i.Open() // the total of a credit note is negative
		if i.Kind != ledger.CreditNote {
			r.Paid += i.Paid
		}
		return nil
	})
	return r, err
}
