package orders

import (
	"fmt"
	"slices"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/ledger"
)

// CancelInvoice takes an open invoice back; the credit note says why. What was
// paid of it stays with the customer's balance. Credit that it bought goes as far
// as it is not used; a term or an upgrade that was delivered stays. The order that a
// pending account waits for is refused with a *quota.Refusal: CloseAccount ends both.
func (s *Orders) CancelInvoice(o behalf.Order, number uint64, reason string) (Receipt, error) {
	i, err := s.books.Invoice(number)
	if err != nil {
		return Receipt{}, err
	}
	return s.order(i.Account, o, func(d *Deal) error {
		i, err := d.invoice(number)
		if err != nil {
			return err
		}
		if i.State != ledger.InvoiceOpen {
			return fmt.Errorf("invoice %s is %s: only an open one can be cancelled", i.Name, i.State)
		}
		if i.Order != nil && i.Order.Do == ledger.KindActivated {
			return quota.Refuse("cancel", quota.Reason{Why: quota.WhyOrdered, Invoice: i.Name, Account: d.a.Name})
		}
		if err := d.cancel(i, "", reason); err != nil {
			return err
		}
		d.takeCredit(i)
		return d.settle(0)
	})
}

// takeCredit takes back what is left of the credit of an invoice. What the open
// period has used of it stays, and is drawn when that is closed.
func (d *Deal) takeCredit(i *ledger.Invoice) {
	at := slices.IndexFunc(d.a.Lots, func(l quota.Lot) bool { return l.Ref == i.Lot })
	if at < 0 {
		return
	}
	c, p, _ := d.a.Contracts.Find(d.a.Open, d.zone())
	used := d.s.books.ChargesIn(d.t, d.a.Name, d.a.Open).Charged
	_, left, _ := quota.Draw(d.a.Lots, quota.Over(c.Plan.In(p), used))
	n := slices.IndexFunc(left, func(l quota.Lot) bool { return l.Ref == i.Lot })
	if n < 0 {
		return
	}
	unused := left[n].Amount
	if d.a.Lots[at].Amount -= unused; d.a.Lots[at].Amount == 0 {
		d.a.Lots = slices.Delete(d.a.Lots, at, at+1)
	}
	d.enter(ledger.Entry{Kind: ledger.KindCorrection, Period: d.a.Open, Units: -unused, Lot: i.Lot, Ref: ledger.NumberText(i.Number), Facts: ledger.Facts{Cause: ledger.CauseTakenBack}})
}

func (d *Deal) cancel(i *ledger.Invoice, cause ledger.Cause, reason string) error {
	i.Paid = 0
	return d.takeBack(i, cause, reason)
}
