package store

import (
	"errors"
	"fmt"
	"slices"

	"relay/quota"
)

// Refund pays the present term back in full and closes the account (M20), with
// what else the customer has with us. It fails with a *quota.Refused that names
// every reason; the receipt then says what it would have paid back.
func (s *Store) Refund(o Order, account string) (Receipt, error) {
	return s.order(account, o, func(d *deal) error {
		c, err := d.current()
		if err != nil {
			return err
		}
		list, err := d.ofTerm(c)
		if err != nil {
			return err
		}
		var paid int64
		for _, i := range list {
			paid += i.Paid
			d.say(i.Paid, "paid of invoice %d", i.Number)
		}
		over, err := d.hadOverage(c)
		if err != nil {
			return err
		}
		q, err := quota.Refund(quota.Refunding{Contract: *c, Paid: paid, Overage: over, Abuse: d.a.Abuse}, d.t.now, d.zone())
		d.amount = q.Amount
		d.say(q.Amount, "paid back")
		if err != nil {
			return err
		}
		return d.refund(list, q.Amount)
	})
}

// ofTerm are the invoices of a contract and of those after it.
func (d *deal) ofTerm(c *quota.Contract) (list []*Invoice, err error) {
	var terms []string
	for i := range d.a.Contracts {
		if o := &d.a.Contracts[i]; !o.Start.Before(c.Start) {
			terms = append(terms, d.termKey(o))
		}
	}
	for _, n := range d.t.numbers(billed, d.a.Name) {
		i, err := d.invoice(n)
		if err != nil {
			return nil, err
		}
		if i.Kind != CreditNote && i.State != InvoiceCancelled && i.State != InvoiceRefunded && slices.Contains(terms, i.Term) {
			list = append(list, i)
		}
	}
	return list, nil
}

// hadOverage reports whether there was overage in a period of the contract, the
// running one included.
func (d *deal) hadOverage(c *quota.Contract) (bool, error) {
	if p, ok := c.PeriodAt(d.t.now, d.zone()); ok {
		used := d.t.usage(d.a.Name, p.Key).Charged
		if quota.Split(c.Plan, used, quota.Live(d.a.Lots, d.t.now)).Overage > 0 {
			return true, nil
		}
	}
	own := quota.Contracts{*c}
	for _, e := range d.entries { // of a period that was closed just now
		if e.Kind == KindOverage && own.Has(e.Period) {
			return true, nil
		}
	}
	prefix := ledgerPrefix(d.a.Name)
	cur := d.t.b.Cursor(ledger)
	for k, raw := cur.Seek(prefix); k != nil && hasPrefix(k, prefix); k, raw = cur.Next() {
		var e Entry
		if err := decode("ledger", k, raw, &e); err != nil {
			return false, err
		}
		if e.Kind == KindOverage && own.Has(e.Period) {
			return true, nil
		}
	}
	return false, nil
}

func (d *deal) refund(list []*Invoice, amount int64) error {
	for _, i := range list {
		if err := d.takeBack(i, ""); err != nil {
			return err
		}
	}
	if err := errors.Join(d.payBack(amount), d.end("refunded")); err != nil {
		return err
	}
	// What is left when everything that is owed is paid goes back too.
	if rest := d.a.Balance; rest > 0 {
		d.say(rest, "the rest of the balance")
		if err := d.payBack(rest); err != nil {
			return err
		}
		amount += rest
	}
	d.amount = amount
	return nil
}

func (d *deal) payBack(amount int64) error {
	if amount <= 0 {
		return nil
	}
	if err := d.oneCurrency(d.t.s.Billing().Currency); err != nil {
		return err
	}
	d.enter(Entry{Kind: KindRefund, Money: -amount})
	return nil
}

// takeBack issues the credit note of an invoice.
func (d *deal) takeBack(i *Invoice, reason string) error {
	note := Invoice{Kind: CreditNote, About: i.Number, Reason: reason, Period: i.Period, Term: i.Term}
	for _, l := range i.Lines {
		note.Lines = append(note.Lines, InvoiceLine{Text: l.Text, Count: l.Count, Price: -l.Price, TaxRate: l.TaxRate})
	}
	lines, amount := d.lines, d.amount
	if _, err := d.issue(note); err != nil {
		return err
	}
	d.lines, d.amount = lines, amount
	i.Order = nil
	if i.State = InvoiceRefunded; i.Paid == 0 {
		i.State = InvoiceCancelled
	}
	return nil
}

// CancelInvoice takes an open invoice back; the credit note says why. What was
// paid of it stays with the customer's balance.
func (s *Store) CancelInvoice(o Order, number uint64, reason string) (Receipt, error) {
	i, err := s.Invoice(number)
	if err != nil {
		return Receipt{}, err
	}
	return s.order(i.Account, o, func(d *deal) error {
		i, err := d.invoice(number)
		if err != nil {
			return err
		}
		if i.State != InvoiceOpen {
			return fmt.Errorf("invoice %d is %s: only an open one can be cancelled", number, i.State)
		}
		if err := d.cancel(i, reason); err != nil {
			return err
		}
		return d.settle(0)
	})
}

func (d *deal) cancel(i *Invoice, reason string) error {
	i.Paid = 0
	return d.takeBack(i, reason)
}

// CloseAccount ends an account for good: its term, its credit, and orders that
// wait for a payment. What it owes it still owes.
func (s *Store) CloseAccount(o Order, account, reason string) (Receipt, error) {
	return s.order(account, o, func(d *deal) error { return d.end(reason) })
}

// end is nothing for an account that is closed.
func (d *deal) end(reason string) error {
	if d.a.State == Closed {
		return nil
	}
	if err := d.cut(); err != nil {
		return err
	}
	list, err := d.unpaid()
	if err != nil {
		return err
	}
	for _, i := range list {
		if i.Order != nil {
			if err := d.cancel(i, ""); err != nil {
				return err
			}
		}
	}
	d.a.State, d.a.Reason, d.a.Ordered = Closed, "", nil
	d.enter(Entry{Kind: KindEnded, Text: reason})
	return d.settle(0)
}
