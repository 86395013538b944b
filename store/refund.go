package store

import (
	"errors"
	"slices"
	"time"

	"relay/quota"
)

// Refund pays the present term back in full, with those to come, and closes the
// account (M20), with what else the customer has with us. Where the present term is
// not paid back, terms that were paid and have not begun still are: they go, and the
// account goes on. With none of these it fails with a *quota.Refused that names
// every reason; the receipt then says what it would have paid back.
func (s *Store) Refund(o Order, account string) (Receipt, error) {
	return s.order(account, o, func(d *deal) error {
		c, err := d.current()
		if err != nil {
			return err
		}
		later, err := d.ofTerms(d.later())
		if err != nil {
			return err
		}
		own, err := d.ofTerms([]quota.Contract{*c})
		if err != nil {
			return err
		}
		over, err := d.hadOverage(c)
		if err != nil {
			return err
		}
		all := append(own, later...)
		amount, err := quota.Refund(quota.Refunding{Contract: *c, Paid: paidOf(all), Overage: over, Abuse: d.a.Abuse}, d.t.now, d.zone())
		if no := (*quota.Refused)(nil); errors.As(err, &no) && paidOf(later) > 0 {
			return d.giveBack(later, no)
		}
		d.sayPaid(all)
		d.amount = amount
		d.say(amount, "paid back")
		if err != nil {
			return err
		}
		return d.refund(all, amount)
	})
}

// ofTerms are the invoices of contracts that are not taken back.
func (d *deal) ofTerms(list []quota.Contract) (bills []*Invoice, err error) {
	var terms []string
	for i := range list {
		terms = append(terms, list[i].TermKey())
	}
	for _, n := range d.t.numbers(billed, d.a.Name) {
		i, err := d.invoice(n)
		if err != nil {
			return nil, err
		}
		if i.Kind != CreditNote && i.State != InvoiceCancelled && i.State != InvoiceRefunded && slices.Contains(terms, i.Term) {
			bills = append(bills, i)
		}
	}
	return bills, nil
}

// paidOf invoices.
func paidOf(list []*Invoice) (sum int64) {
	for _, i := range list {
		sum += i.Paid
	}
	return sum
}

func (d *deal) sayPaid(list []*Invoice) {
	for _, i := range list {
		if i.Paid > 0 {
			d.say(i.Paid, "paid of invoice %s", i.Name)
		}
	}
}

// giveBack takes the terms back that have not begun, with their invoices; why the
// present one stays is said.
func (d *deal) giveBack(list []*Invoice, no *quota.Refused) error {
	amount := paidOf(list)
	d.sayPaid(list)
	d.say(amount, "paid back for what has not begun")
	for _, r := range no.Reasons {
		d.say(0, "the present term stays: %s", r.Text)
	}
	for _, c := range d.later() {
		d.enter(Entry{Kind: KindReturned, Period: c.TermKey(), Contract: &c, Ref: c.Invoice, Text: c.Plan.Name})
	}
	d.a.Contracts = slices.DeleteFunc(d.a.Contracts, func(c quota.Contract) bool { return c.Start.After(d.t.now) })
	for _, i := range list {
		if err := d.takeBack(i, unpaidReason(i)); err != nil {
			return err
		}
	}
	d.amount = amount
	return d.payBack(amount)
}

// hadOverage reports whether there was overage in a period of the contract, the
// running one included, also where an upgrade or a top-up has met it since.
func (d *deal) hadOverage(c *quota.Contract) (bool, error) {
	own := func(period string) bool { _, _, ok := quota.Contracts{*c}.Find(period, d.zone()); return ok }
	if own(d.a.Open) && d.overage(c) > 0 {
		return true, nil
	}
	entries, err := all[Entry](d.t, ledger, ledgerPrefix(d.a.Name))
	return slices.ContainsFunc(append(entries, d.entries...), func(e Entry) bool {
		return (e.Kind == KindOverage || e.Over > 0) && own(e.Period)
	}), err
}

func (d *deal) refund(list []*Invoice, amount int64) error {
	for _, i := range list {
		if err := d.takeBack(i, unpaidReason(i)); err != nil {
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
	if err := d.oneCurrency(); err != nil {
		return err
	}
	d.enter(Entry{Kind: KindRefund, Money: -amount})
	d.payments = append(d.payments, Payment{Method: PaidBack, Reference: PaidBackRef(d.a.Name, d.a.Seq),
		Account: d.a.Name, Amount: -amount, Time: d.t.now, By: d.by})
	return nil
}

// takeBack issues the credit note of an invoice.
func (d *deal) takeBack(i *Invoice, reason string) error {
	note := Invoice{Kind: CreditNote, About: i.Number, Names: i.Name, Reason: reason, Period: i.Period, Term: i.Term, Customer: i.Customer, Reseller: i.Reseller, Buyer: i.Buyer}
	for _, l := range i.Lines {
		if l.Price == 0 {
			continue // it says something of the others
		}
		note.Lines = append(note.Lines, InvoiceLine{Text: l.Text, Count: l.Count, Price: -l.Price, TaxRate: l.TaxRate})
	}
	lines, amount := d.lines, d.amount
	if _, err := d.issue(note, time.Time{}); err != nil {
		return err
	}
	d.lines, d.amount = lines, amount
	i.Order = nil
	if i.State = InvoiceRefunded; i.Paid == 0 {
		i.State = InvoiceCancelled
	}
	return nil
}

// unpaidReason is why an invoice is cancelled when its account ends; "": it is not,
// what was paid is paid back.
func unpaidReason(i *Invoice) string {
	switch {
	case i.Paid == 0:
		return "cancelled, it was not paid"
	case i.Order != nil:
		return "cancelled, it was not paid in full"
	}
	return ""
}
