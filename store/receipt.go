package store

import "relay/quota"

// Receipt is what an order came to, or would. It is filled in as far as it goes
// when the order is refused.
type Receipt struct {
	Before, After Account
	Entries       []Entry   // that the ledger got
	Invoices      []Invoice // that are new or changed, by number; credit notes too
	Lines         []Line    // the figures, line by line
	Amount        int64     // minor units: of what was or would be invoiced, or paid back
	Debt          int64     // minor units: what the account owes afterwards that no open invoice is over
}

// Invoice that an entry of the receipt refers to.
func (r *Receipt) Invoice(ref string) *Invoice {
	for i := range r.Invoices {
		if numberText(r.Invoices[i].Number) == ref {
			return &r.Invoices[i]
		}
	}
	return nil
}

// LineKind is what a line of a receipt is about.
type LineKind string

const (
	LineItem     LineKind = "item"      // Count × Text of the invoice
	LineTax      LineKind = "tax"       // at the Rate
	LineQuote    LineKind = "quote"     // what is refused would cost it
	LinePlan     LineKind = "plan"      // price of a Plan for a whole term
	LinePaid     LineKind = "paid"      // of the Invoice
	LineNotBegun LineKind = "not-begun" // paid of the Invoice, whose term has not begun
	LineReopened LineKind = "reopened"  // open again of the Invoice
	LineRevived  LineKind = "revived"   // the Invoice of an expired order is issued anew
	LineTaken    LineKind = "taken"     // a payment by Method and Reference is taken back
	LineCorrect  LineKind = "correct"   // a correction; Text: why
	LineByHand   LineKind = "by-hand"   // paid back by hand; Text: why
	LineBalance  LineKind = "balance"   // what the customer has with us besides
	LineOwed     LineKind = "owed"      // what the customer owes besides
	LineGoodwill LineKind = "goodwill"  // what did not come in by payments
	LineBack     LineKind = "back"      // paid back
	LineBackNext LineKind = "back-next" // paid back for terms that have not begun
	LineStays    LineKind = "stays"     // the present term is not given back for the Reason
)

// Line is one figure of a receipt, with the values that its sentence needs;
// report/words puts it into one.
type Line struct {
	Kind   LineKind
	Amount int64 // minor units

	Count     int64  // of a LineItem
	Text      string // as it is on paper, or the operator's own
	Plan      string
	Invoice   string // as it was issued
	Method    string
	Reference string
	Rate      quota.Rate
	Order     string        // that is refused
	Reason    *quota.Reason // why
}

// say adds a line to the receipt.
func (d *deal) say(l Line) { d.lines = append(d.lines, l) }

// sayPaid says what is paid of invoices that are taken back.
func (d *deal) sayPaid(list []*Invoice) {
	for _, i := range list {
		if i.Paid > 0 {
			d.say(Line{Kind: LinePaid, Amount: i.Paid, Invoice: i.Name})
		}
	}
}

// sayWorth says what is added to what was paid, and what is taken off.
func (d *deal) sayWorth(w *worth) {
	for _, l := range []Line{{Kind: LineBalance, Amount: w.free}, {Kind: LineOwed, Amount: -w.owed}, {Kind: LineGoodwill, Amount: -w.goodwill}} {
		if l.Amount != 0 {
			d.say(l)
		}
	}
}

// sayIssued says what an invoice is made of.
func (d *deal) sayIssued(i *Invoice, rate quota.Rate) {
	for _, l := range i.Lines {
		d.say(Line{Kind: LineItem, Amount: l.Net, Count: l.Count, Text: l.Text})
	}
	if i.Tax != 0 {
		d.say(Line{Kind: LineTax, Amount: i.Tax, Rate: rate})
	}
}
