package orders

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"relay/store/books"
	"relay/store/bucket"
	"relay/store/ledger"
)

// issue numbers an invoice, adds it up and enters it. from is the instant of the entry; zero: now.
func (d *Deal) issue(inv ledger.Invoice, from time.Time) (*ledger.Invoice, error) {
	b := d.s.books.Billing()
	if err := errors.Join(d.count(), inv.AddUp(b.TaxRate)); err != nil {
		return nil, err
	}
	d.last++
	inv.Number, inv.Account = d.last, d.a.Name
	inv.Name = b.Prefix + ledger.NumberText(d.last)
	inv.Issued, inv.Due = d.t.Now, d.days(d.t.Now, b.DueDays)
	inv.Seller, inv.Currency, inv.State = slices.Clone(b.Seller), d.s.books.CurrencyIn(d.t), ledger.InvoiceOpen
	if inv.Kind != ledger.CreditNote { // a credit note has the buyer of its invoice
		var err error
		if inv.Buyer, err = d.s.books.Buyer(d.t, &d.a); err != nil {
			return nil, err
		}
		inv.Customer, inv.Reseller = d.a.Owner, d.a.Reseller
		inv.Method, inv.Reference = cmp.Or(d.chosen.Method, d.a.Method), cmp.Or(d.chosen.Reference, d.a.Reference)
	}
	kind := ledger.KindInvoice
	switch {
	case inv.Kind == ledger.CreditNote:
		kind, inv.State, inv.Due = ledger.KindCreditNote, ledger.InvoicePaid, inv.Issued
	case inv.Order == nil:
		inv.Suspends = d.days(inv.Due, b.GraceDays)
	default:
		inv.Expires = d.expiry(inv.Due)
	}
	d.s.books.Print(&inv)
	d.invoices[inv.Number] = &inv
	d.enter(ledger.Entry{Kind: kind, Time: from, Period: inv.Period, Money: -inv.Total, Ref: ledger.NumberText(inv.Number), Facts: ledger.Facts{For: inv.Kind}})
	d.sayIssued(&inv, b.TaxRate)
	d.amount += inv.Total
	return &inv, nil
}

// charge invoices what is sold now, and pays it from what the customer has with us.
func (d *Deal) charge(inv ledger.Invoice) (*ledger.Invoice, error) {
	if err := d.oneCurrency(); err != nil {
		return nil, err
	}
	i, err := d.issue(inv, time.Time{})
	if err != nil {
		return nil, err
	}
	return i, d.settle(0)
}

// days later, by the calendar of the zone.
func (d *Deal) days(t time.Time, n int) time.Time { return t.In(d.zone()).AddDate(0, 0, n).UTC() }

// count reads the last number.
func (d *Deal) count() error {
	if d.counted {
		return nil
	}
	d.counted = true
	var err error
	d.last, err = d.s.books.LastInvoice(d.t)
	return err
}

// oneCurrency fails where the books are in another currency than the one that is configured, in which new
// amounts are: sums of two currencies would be of none.
func (d *Deal) oneCurrency() error {
	first, now := d.s.books.CurrencyIn(d.t), d.s.books.Billing().Currency
	if first == now {
		return nil
	}
	return fmt.Errorf("the ledger is kept in %s, %w: %s", first, books.ErrCurrency, now)
}

// invoice by number, for changing.
func (d *Deal) invoice(n uint64) (*ledger.Invoice, error) {
	if i := d.invoices[n]; i != nil {
		return i, nil
	}
	i, err := d.s.books.InvoiceIn(d.t, n)
	if err != nil {
		return nil, err
	}
	d.invoices[n], d.before[n] = &i, i
	return &i, nil
}

// unpaid are the open invoices, oldest first.
func (d *Deal) unpaid() (list []*ledger.Invoice, err error) {
	if d.owed == nil {
		d.owed = d.s.books.InvoiceNumbers(d.t, bucket.Owed, d.a.Name)
	}
	for _, n := range d.owed {
		if _, err := d.invoice(n); err != nil {
			return nil, err
		}
	}
	for _, i := range d.invoices {
		if i.State == ledger.InvoiceOpen {
			list = append(list, i)
		}
	}
	slices.SortFunc(list, func(a, b *ledger.Invoice) int { return int(int64(a.Number) - int64(b.Number)) })
	return list, nil
}

func (d *Deal) putInvoices() error {
	for n, is := range d.invoices {
		was, old := d.before[n]
		if old && !is.Changed(&was) {
			continue
		}
		stored := &was
		if !old {
			stored = nil
		}
		if err := d.s.books.PutInvoice(d.t, stored, is); err != nil {
			return err
		}
	}
	if !d.counted {
		return nil
	}
	return d.s.books.GiveOut(d.t, d.last)
}
