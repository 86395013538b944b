package orders

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/ledger"
)

// Refund gives the present term back, with those to come, and closes the account
// (M20): payments for them that are not used for what stays are paid
// back, less what the account owes. Goodwill is not paid back: it ends with the account. Only
// the first term of an account can be given back. Where the present one cannot, terms
// that were paid and have not begun still are: they go, and the account goes on. With
// none of these it fails with a *quota.Refusal that names every reason; the receipt
// then says what it would have paid back.
func (s *Orders) Refund(o behalf.Order, account string) (Receipt, error) {
	return s.order(account, o, func(d *Deal) error {
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
		first := &d.a.Contracts[0]
		is, err := d.worth(all, true)
		if err != nil {
			return err
		}
		amount, err := quota.Refund(quota.Refunding{Contract: *c, Later: c.TermKey() != first.TermKey(),
			Paid: is.out, Overage: over, Abuse: d.a.Abuse}, d.t.Now, d.zone())
		if no := (*quota.Refusal)(nil); errors.As(err, &no) && paidOf(later) > 0 {
			return d.giveBack(later, no)
		}
		d.sayPaid(all)
		d.sayWorth(&is)
		d.amount = amount
		d.say(ledger.Line{Kind: ledger.LineBack, Amount: amount})
		if err != nil {
			return err
		}
		return d.refund(all, amount)
	})
}

// worth is what taking invoices back comes to. Minor units.
type worth struct {
	paid     int64 // of them, and of orders that wait
	free     int64 // that the customer has with us besides
	owed     int64 // for what stays, and by corrections
	goodwill int64 // of the rest: it did not come in by a payment, or is used for what stays
	out      int64 // that is paid back
}

// worth of invoices; ending: the account ends, and orders that wait with it. One that
// goes on keeps what it has besides.
func (d *Deal) worth(list []*ledger.Invoice, ending bool) (w worth, err error) {
	free, err := d.free()
	if err != nil {
		return w, err
	}
	w.free, w.owed = max(free, 0), max(-free, 0)
	came, err := d.cash()
	if err != nil {
		return w, err
	}
	for _, n := range d.bills() {
		i, err := d.invoice(n)
		switch {
		case err != nil:
			return w, err
		case i.State != ledger.InvoiceOpen && i.State != ledger.InvoicePaid:
		case slices.Contains(list, i), ending && i.Order != nil:
			w.paid += i.Paid
		default:
			came -= i.Paid
			if i.Order == nil {
				w.owed += i.Open()
			}
		}
	}
	rest := max(w.paid+w.free-w.owed, 0)
	w.out = max(min(rest, came-w.owed), 0)
	w.goodwill = rest - w.out
	if !ending {
		w.out = min(w.out, w.paid)
		w.free, w.owed = 0, min(w.owed, w.paid-w.out)
		w.goodwill = w.paid - w.out - w.owed
	}
	return w, nil
}

// folded is the ledger of the account, with what this order has entered.
func (d *Deal) folded() (*ledger.Fold, error) {
	f := ledger.NewFold(d.zone())
	entries, err := d.s.books.EntriesIn(d.t, d.a.Name)
	entries = append(entries, d.entries...)
	for i := range entries {
		f.Add(&entries[i])
	}
	return f, err
}

// cash is what came in by payments, less what went back.
func (d *Deal) cash() (int64, error) {
	f, err := d.folded()
	if err == nil && f.Overflow {
		err = fmt.Errorf("account %q: what came in: %w", d.a.Name, quota.ErrOverflow)
	}
	return f.Cash, err
}

// ofTerms are the invoices of contracts that are not taken back.
func (d *Deal) ofTerms(list []quota.Contract) (bills []*ledger.Invoice, err error) {
	var terms []string
	for i := range list {
		terms = append(terms, list[i].TermKey())
	}
	for _, n := range d.bills() {
		i, err := d.invoice(n)
		if err != nil {
			return nil, err
		}
		if i.Kind != ledger.CreditNote && i.State != ledger.InvoiceCancelled && i.State != ledger.InvoiceRefunded && slices.Contains(terms, i.Term) {
			bills = append(bills, i)
		}
	}
	return bills, nil
}

// paidOf invoices.
func paidOf(list []*ledger.Invoice) (sum int64) {
	for _, i := range list {
		sum += i.Paid
	}
	return sum
}

// giveBack takes the terms back that have not begun, with their invoices; why the
// present one stays is said.
func (d *Deal) giveBack(list []*ledger.Invoice, no *quota.Refusal) error {
	is, err := d.worth(list, false)
	if err != nil {
		return err
	}
	d.sayPaid(list)
	d.sayWorth(&is)
	d.say(ledger.Line{Kind: ledger.LineBackNext, Amount: is.out})
	for i := range no.Reasons {
		d.say(ledger.Line{Kind: ledger.LineStays, Order: no.Order, Reason: &no.Reasons[i]})
	}
	for _, c := range d.later() {
		d.enter(ledger.Entry{Kind: ledger.KindReturned, Period: c.TermKey(), Contract: &c, Ref: c.Invoice})
	}
	d.a.Contracts = slices.DeleteFunc(d.a.Contracts, func(c quota.Contract) bool { return c.Start.After(d.t.Now) })
	for _, i := range list {
		if err := d.takeBack(i, i.UnpaidCause(), ""); err != nil {
			return err
		}
	}
	d.amount = is.out
	if err := d.payBack(is.out, ""); err != nil {
		return err
	}
	return d.settle(0)
}

// hadOverage reports whether there was overage in a period of the contract, the
// running one included, also where an upgrade or a top-up has met it since.
func (d *Deal) hadOverage(c *quota.Contract) (bool, error) {
	own := func(period string) bool { _, _, ok := quota.Contracts{*c}.Find(period, d.zone()); return ok }
	if own(d.a.Open) && d.overage(c) > 0 {
		return true, nil
	}
	f, err := d.folded()
	return slices.ContainsFunc(f.Periods, func(p ledger.PeriodSum) bool { return (p.Overage > 0 || p.Met > 0) && own(p.Period) }), err
}

func (d *Deal) refund(list []*ledger.Invoice, amount int64) error {
	term := min(amount, paidOf(list))
	for _, i := range list {
		if err := d.takeBack(i, i.UnpaidCause(), ""); err != nil {
			return err
		}
	}
	if err := errors.Join(d.payBack(term, ""), d.end(ledger.CauseRefunded, ""), d.payBack(amount-term, "")); err != nil {
		return err
	}
	if rest := d.a.Balance; rest > 0 {
		if err := d.oneCurrency(); err != nil {
			return err
		}
		d.enter(ledger.Entry{Kind: ledger.KindCorrection, Money: -rest, Facts: ledger.Facts{Cause: ledger.CauseGoodwill}})
	}
	d.amount = amount
	return nil
}

// payBack enters money that goes out; why is "" for the refund of a term.
func (d *Deal) payBack(amount int64, why string) error {
	if amount <= 0 {
		return nil
	}
	if err := d.oneCurrency(); err != nil {
		return err
	}
	d.enter(ledger.Entry{Kind: ledger.KindRefund, Money: -amount, Note: why})
	d.payments = append(d.payments, ledger.Payment{Method: ledger.PaidBack, Reference: ledger.PaidBackRef(d.a.Name, d.a.Seq),
		Account: d.a.Name, Amount: -amount, Time: d.t.Now, By: d.by, Text: why})
	return nil
}

// takeBack issues the credit note of an invoice, for a cause or the operator's reason.
func (d *Deal) takeBack(i *ledger.Invoice, cause ledger.Cause, reason string) error {
	lines, amount := d.lines, d.amount
	if _, err := d.issue(i.CreditNote(cause, reason), time.Time{}); err != nil {
		return err
	}
	d.lines, d.amount = lines, amount
	i.Order = nil
	if i.State = ledger.InvoiceRefunded; i.Paid == 0 {
		i.State = ledger.InvoiceCancelled
	}
	return nil
}
