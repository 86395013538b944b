package tell

import (
	"time"

	"relay/quota"
	"relay/report/invoice"
	"relay/report/letter"
	"relay/report/letter/wording"
	"relay/report/money"
	"relay/store/orders"
)

// ending is the last term, what is lost with it, and how to go on: by the invoice of a
// renewal that waits, else as the operator says. Below a reseller nothing is said of prices.
func (w *Writer) ending(v *View, e *orders.Warning) {
	p := &e.Contract.Plan
	v.Plan = planOf(p)
	v.Term.LastDay, v.Term.Days, v.Term.Credit = quota.LastDay(e.Contract.End, w.Zone), e.Days, units(e.Credit, p)
	if v.Resold {
		return
	}
	amount := ""
	if e.Sold != nil {
		v.Term.Sold, v.Term.Days30, v.Term.Price = true, e.Sold.Term == quota.Month, wording.Amount{Minor: e.Price, Currency: e.Currency}
		if amount = money.Plain(e.Price, e.Currency); e.TaxRate != 0 {
			v.Term.TaxRate = v.Language.Rate(e.TaxRate)
		}
	}
	if e.Renewal != nil {
		v.Invoice = w.invoice(e.Renewal, v.Language)
		return
	}
	how := []string{v.Account.Name, v.Plan.Name, v.Term.LastDay.Format(time.DateOnly), amount}
	v.RenewText, v.RenewLink = invoice.Shown(letter.HowToRenew.FillText(w.RenewText, how...), letter.HowToRenew.FillLink(w.RenewLink, how...))
}
