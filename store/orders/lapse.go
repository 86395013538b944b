package orders

import (
	"cmp"
	"time"

	"relay/store/ledger"
)

// An order that nobody pays does not wait for ever:
//
//  1. it expires Billing.OrderDays after its due date or the end of the account's last
//     term, whichever is later: its invoice is cancelled by a credit note;
//  2. what was ordered is kept with the invoice, so that a later payment, or Activate,
//     revives it: a new invoice over the same, at the tax of that day;
//  3. where it cannot be revived any more, since the account is closed, is active, or
//     has ordered anew, the payment stays in the balance.

// expiry is when an order that is due then expires; zero: never.
func (d *Deal) expiry(due time.Time) time.Time {
	n := d.s.books.Billing().OrderDays
	if n == 0 {
		return time.Time{}
	}
	if end := d.a.TermEnd(); end.After(due) {
		due = end
	}
	return d.days(due, n)
}

// expire cancels an order, unless a term that was bought or the configuration has moved
// its time since.
func (d *Deal) expire(i *ledger.Invoice) error {
	if i.Expires = d.expiry(i.Due); i.Expires.IsZero() || i.Expires.After(d.t.Now) {
		return nil
	}
	order := i.Order
	if err := d.cancel(i, ledger.CauseExpired, ""); err != nil {
		return err
	}
	i.Lapsed = order
	return d.settle(0)
}

// revive issues a new invoice for an order that has expired; nil: it cannot be revived.
func (d *Deal) revive(i *ledger.Invoice) (*ledger.Invoice, error) {
	if i.Lapsed == nil || d.a.State == ledger.Closed || d.oneCurrency() != nil {
		return nil, nil
	}
	switch i.Lapsed.Do {
	case ledger.KindActivated:
		if d.a.Ordered == nil {
			return nil, nil
		}
	case ledger.KindRenewed:
		if len(d.a.Contracts) == 0 || d.oneRenewal() != nil {
			return nil, nil
		}
	}
	is := ledger.Invoice{Kind: i.Kind, Order: i.Lapsed}
	for _, l := range i.Lines {
		is.Lines = append(is.Lines, ledger.InvoiceLine{Text: l.Text, Count: l.Count, Price: l.Price})
	}
	i.Lapsed = nil
	d.say(ledger.Line{Kind: ledger.LineRevived, Invoice: i.Name})
	was := d.chosen
	defer func() { d.chosen = was }()
	d.chosen.Method, d.chosen.Reference = cmp.Or(was.Method, i.Method), cmp.Or(was.Reference, i.Reference)
	return d.issue(is, time.Time{})
}

// lapsedOrder is the order of a pending account that has expired; nil: there is none.
func (d *Deal) lapsedOrder() (*ledger.Invoice, error) {
	for _, n := range d.bills() {
		i, err := d.invoice(n)
		if err != nil {
			return nil, err
		}
		if i.Lapsed != nil && i.Lapsed.Do == ledger.KindActivated {
			return i, nil
		}
	}
	return nil, nil
}
