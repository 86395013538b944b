package words

import (
	"fmt"

	"relay/store"
)

// Line says what a line of a receipt is.
func (l Language) Line(r *store.Line) string {
	switch r.Kind {
	case store.LineItem:
		return itemLine(r)
	case store.LineTax:
		return fmt.Sprintf("tax %s", r.Rate)
	case store.LineQuote:
		return "it would cost"
	case store.LinePlan:
		return fmt.Sprintf("plan %s for the whole term", r.Plan)
	case store.LinePaid:
		return "paid of invoice " + r.Invoice
	case store.LineNotBegun:
		return fmt.Sprintf("paid of invoice %s, whose term has not begun", r.Invoice)
	case store.LineReopened:
		return "open again of invoice " + r.Invoice
	case store.LineRevived:
		return fmt.Sprintf("invoice %s had expired: it is issued anew", r.Invoice)
	case store.LineTaken:
		return fmt.Sprintf("taken back: %s %s", r.Method, r.Reference)
	case store.LineCorrect:
		return "correction: " + r.Text
	case store.LineByHand:
		return "paid back by hand: " + r.Text
	case store.LineBalance:
		return "the rest of the balance"
	case store.LineOwed:
		return "owed besides"
	case store.LineGoodwill:
		return goodwill
	case store.LineBack:
		return "paid back"
	case store.LineBackNext:
		return "paid back for what has not begun"
	case store.LineStays:
		return "the present term stays: " + l.Reason(r.Order, r.Reason)
	}
	return string(r.Kind)
}

// goodwill is money of the customer that did not come in by payments.
const goodwill = "goodwill, which is not paid out"

func itemLine(r *store.Line) string {
	if r.Count > 1 {
		return fmt.Sprintf("%d × %s", r.Count, r.Text)
	}
	return r.Text
}
