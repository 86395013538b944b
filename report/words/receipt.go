package words

import (
	"fmt"

	"relay/store/ledger"
)

// Line says what a line of a receipt is.
func (l Language) Line(r *ledger.Line) string {
	switch r.Kind {
	case ledger.LineItem:
		return itemLine(r)
	case ledger.LineTax:
		return fmt.Sprintf("tax %s", r.Rate)
	case ledger.LineQuote:
		return "it would cost"
	case ledger.LinePlan:
		return fmt.Sprintf("plan %s for the whole term", r.Plan)
	case ledger.LinePaid:
		return "paid of invoice " + r.Invoice
	case ledger.LineNotBegun:
		return fmt.Sprintf("paid of invoice %s, whose term has not begun", r.Invoice)
	case ledger.LineReopened:
		return "open again of invoice " + r.Invoice
	case ledger.LineRevived:
		return fmt.Sprintf("invoice %s had expired: it is issued anew", r.Invoice)
	case ledger.LineTaken:
		return fmt.Sprintf("taken back: %s %s", r.Method, r.Reference)
	case ledger.LineCorrect:
		return "correction: " + r.Text
	case ledger.LineByHand:
		return "paid back by hand: " + r.Text
	case ledger.LineBalance:
		return "the rest of the balance"
	case ledger.LineOwed:
		return "owed besides"
	case ledger.LineGoodwill:
		return goodwill
	case ledger.LineBack:
		return "paid back"
	case ledger.LineBackNext:
		return "paid back for what has not begun"
	case ledger.LineStays:
		return "the present term stays: " + l.Reason(r.Order, r.Reason)
	}
	return string(r.Kind)
}

// goodwill is money of the customer that did not come in by payments.
const goodwill = "goodwill, which is not paid out"

func itemLine(r *ledger.Line) string {
	if r.Count > 1 {
		return fmt.Sprintf("%d × %s", r.Count, r.Text)
	}
	return r.Text
}
