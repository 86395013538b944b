package store

import (
	"cmp"
	"time"

	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/room"
)

// An order that nobody pays does not wait for ever:
//
//  1. it expires Billing.OrderDays after its due date or the end of the account's last
//     term, whichever is later: its invoice is cancelled by a credit note;
//  2. what was ordered is kept with the invoice, so that a payment that comes later, or
//     Activate, revives it: a new invoice over the same, at the tax of then;
//  3. where it cannot be revived any more, since the account is closed, is active, or
//     has ordered anew, the payment stays in the balance.

// expiry is when an order that is due then expires; zero: never.
func (d *deal) expiry(due time.Time) time.Time {
	n := d.t.s.Billing().OrderDays
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
func (d *deal) expire(i *ledger.Invoice) error {
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

// revive issues the invoice of an order that had expired anew; nil: it cannot be.
func (d *deal) revive(i *ledger.Invoice) (*ledger.Invoice, error) {
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
func (d *deal) lapsedOrder() (*ledger.Invoice, error) {
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

// orderDays is how long orders wait that were there before they expired.
const orderDays = 30

// expireOrders gives the open orders of a file from before the time from which on
// they expire: none at once, however old it is.
func expireOrders(t *tx) error {
	c := t.Cursor(bucket.Owed)
	var numbers []uint64
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		numbers = append(numbers, room.LastNumber(k))
	}
	for _, n := range numbers {
		var i ledger.Invoice // not by its name, which keepPrefix gives it later
		var a Account
		if _, err := t.Read(bucket.Invoices, invoiceKey(n), &i); err != nil {
			return err
		}
		if _, err := t.Read(bucket.Accounts, []byte(i.Account), &a); err != nil {
			return err
		}
		if i.Order == nil {
			continue
		}
		from := t.Now
		for _, at := range []time.Time{i.Due, a.TermEnd()} {
			if at.After(from) {
				from = at
			}
		}
		i.Expires = from.In(t.s.zone).AddDate(0, 0, orderDays).UTC()
		if err := t.Write(bucket.Invoices, invoiceKey(n), i); err != nil {
			return err
		}
		if err := t.Put(bucket.Dunning, waitsAt(&i), []byte{}); err != nil {
			return err
		}
	}
	return nil
}
