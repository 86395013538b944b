package store

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/people"
)

func changed(was, is *ledger.Invoice) bool {
	return was.Paid != is.Paid || was.State != is.State || was.Term != is.Term || was.Order != is.Order ||
		was.Dunned != is.Dunned || was.Lapsed != is.Lapsed || !was.Expires.Equal(is.Expires) || !was.Suspends.Equal(is.Suspends) || !was.Reminded.Equal(is.Reminded)
}

// waitsAt is the key in bucket "dunning" under which an invoice waits for its payment; nil: it
// does not.
func waitsAt(i *ledger.Invoice) []byte {
	at := i.Suspends
	if i.Order != nil {
		at = i.Expires
	}
	if i.State != ledger.InvoiceOpen || at.IsZero() || i.Dunned {
		return nil
	}
	return dunningKey(at, i.Number)
}

var keyInvoice, keyCurrency = []byte("invoice"), []byte("currency")

// issue numbers an invoice, adds it up and enters it: what it is for holds from an
// instant on, the zero time is now.
func (d *deal) issue(inv ledger.Invoice, from time.Time) (*ledger.Invoice, error) {
	b := d.t.s.Billing()
	if err := errors.Join(d.count(), inv.AddUp(b.TaxRate)); err != nil {
		return nil, err
	}
	d.last++
	inv.Number, inv.Account = d.last, d.a.Name
	inv.Name = b.Prefix + ledger.NumberText(d.last)
	inv.Issued, inv.Due = d.t.Now, d.days(d.t.Now, b.DueDays)
	inv.Seller, inv.Currency, inv.State = slices.Clone(b.Seller), d.t.currency(), ledger.InvoiceOpen
	if inv.Kind != ledger.CreditNote { // which goes to whom the invoice went that it takes back
		var err error
		if inv.Buyer, err = d.buyer(); err != nil {
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
	d.t.s.print(&inv)
	d.invoices[inv.Number] = &inv
	d.enter(ledger.Entry{Kind: kind, Time: from, Period: inv.Period, Money: -inv.Total, Ref: ledger.NumberText(inv.Number), Facts: ledger.Facts{For: inv.Kind}})
	d.sayIssued(&inv, b.TaxRate)
	d.amount += inv.Total
	return &inv, nil
}

// charge invoices what is sold now, and uses what the customer has with us for it.
func (d *deal) charge(inv ledger.Invoice) (*ledger.Invoice, error) {
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
func (d *deal) days(t time.Time, n int) time.Time { return t.In(d.zone()).AddDate(0, 0, n).UTC() }

// count reads the last number.
func (d *deal) count() error {
	if d.counted {
		return nil
	}
	d.counted = true
	_, err := d.t.Read(bucket.Meta, keyInvoice, &d.last)
	return err
}

// oneCurrency: sums of two would be of none. What was sold in the books' currency is
// settled in it; what is new has its amounts in the one that is configured.
func (d *deal) oneCurrency() error {
	first, now := d.t.currency(), d.t.s.Billing().Currency
	if first == now {
		return nil
	}
	return fmt.Errorf("the ledger is kept in %s, %w: %s", first, ErrCurrency, now)
}

func (d *deal) buyer() ([]string, error) {
	if d.a.Owner != "" {
		c, err := people.CustomerIn(&d.t.Tx, d.a.Owner)
		if err != nil {
			return nil, err
		}
		if len(c.Address) > 0 {
			return c.Address, nil
		}
	}
	if d.a.Contact == "" {
		return []string{d.a.Name}, nil
	}
	return []string{d.a.Name, d.a.Contact}, nil
}

// invoice by number, for changing.
func (d *deal) invoice(n uint64) (*ledger.Invoice, error) {
	if i := d.invoices[n]; i != nil {
		return i, nil
	}
	i, err := d.t.invoice(n)
	if err != nil {
		return nil, err
	}
	d.invoices[n], d.before[n] = &i, i
	return &i, nil
}

// unpaid are the open invoices, oldest first.
func (d *deal) unpaid() (list []*ledger.Invoice, err error) {
	if d.owed == nil {
		d.owed = d.t.numbers(bucket.Owed, d.a.Name)
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

func (d *deal) putInvoices() error {
	t := d.t
	for n, is := range d.invoices {
		was, old := d.before[n]
		if old && !changed(&was, is) {
			continue
		}
		if err := t.Write(bucket.Invoices, invoiceKey(n), is); err != nil {
			return err
		}
		if err := d.indexInvoice(&was, is, old); err != nil {
			return err
		}
	}
	if !d.counted {
		return nil
	}
	if err := t.s.mayRaise(d.last); err != nil {
		return err
	}
	t.givesOut(d.last)
	return errors.Join(t.Write(bucket.Meta, keyInvoice, d.last), t.Write(bucket.Meta, keyCurrency, t.currency()))
}

func (d *deal) indexInvoice(was, is *ledger.Invoice, old bool) error {
	t, key := d.t, numberKey(d.a.Name, is.Number)
	var errs []error
	if !old {
		errs = append(errs, t.Put(bucket.Billed, key, []byte{}),
			t.listInvoice(bucket.BilledTo, is.Customer, is.Number), t.listInvoice(bucket.BilledBelow, is.Reseller, is.Number))
	}
	wasOpen, isOpen := old && was.State == ledger.InvoiceOpen, is.State == ledger.InvoiceOpen
	switch {
	case isOpen && !wasOpen:
		errs = append(errs, t.Put(bucket.Owed, key, []byte{}))
	case wasOpen && !isOpen:
		errs = append(errs, t.Delete(bucket.Owed, key))
	}
	if old && waitsAt(was) != nil {
		errs = append(errs, t.Delete(bucket.Dunning, waitsAt(was)))
	}
	if k := waitsAt(is); k != nil {
		errs = append(errs, t.Put(bucket.Dunning, k, []byte{}))
	}
	return errors.Join(errs...)
}
