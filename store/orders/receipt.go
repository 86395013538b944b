package orders

import (
	"relay/quota"
	"relay/store/books"
	"relay/store/ledger"
)

// Receipt is what an order came to, or would. It is filled in as far as it goes
// when the order is refused.
type Receipt struct {
	Before, After books.Account
	Entries       []ledger.Entry   // that the ledger got
	Invoices      []ledger.Invoice // that are new or changed, by number; credit notes too
	Lines         []ledger.Line    // the figures, line by line
	Amount        int64            // minor units: of what was or would be invoiced, or paid back
	Debt          int64            // minor units: what the account owes afterwards that no open invoice is over
}

// Invoice that an entry of the receipt refers to.
func (r *Receipt) Invoice(ref string) *ledger.Invoice {
	for i := range r.Invoices {
		if ledger.NumberText(r.Invoices[i].Number) == ref {
			return &r.Invoices[i]
		}
	}
	return nil
}

// say adds a line to the receipt.
func (d *Deal) say(l ledger.Line) { d.lines = append(d.lines, l) }

// sayPaid says what is paid of invoices that are taken back.
func (d *Deal) sayPaid(list []*ledger.Invoice) {
	for _, i := range list {
		if i.Paid > 0 {
			d.say(ledger.Line{Kind: ledger.LinePaid, Amount: i.Paid, Invoice: i.Name})
		}
	}
}

// sayWorth says what is added to what was paid, and what is taken off.
func (d *Deal) sayWorth(w *worth) {
	for _, l := range []ledger.Line{{Kind: ledger.LineBalance, Amount: w.free}, {Kind: ledger.LineOwed, Amount: -w.owed}, {Kind: ledger.LineGoodwill, Amount: -w.goodwill}} {
		if l.Amount != 0 {
			d.say(l)
		}
	}
}

// sayIssued says what an invoice is made of.
func (d *Deal) sayIssued(i *ledger.Invoice, rate quota.Rate) {
	for _, l := range i.Lines {
		d.say(ledger.Line{Kind: ledger.LineItem, Amount: l.Net, Count: l.Count, Text: l.Text})
	}
	if i.Tax != 0 {
		d.say(ledger.Line{Kind: ledger.LineTax, Amount: i.Tax, Rate: rate})
	}
}
