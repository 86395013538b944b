package ledger

import "relay/quota"

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
