package ledger

import (
	"cmp"
	"fmt"
	"strings"

	"relay/quota"
)

// ItemKind is what a line of an invoice is for.
type ItemKind string

const (
	ItemTerm    ItemKind = "term"    // a term of the Plan, from Starts on
	ItemUpgrade ItemKind = "upgrade" // from the plan From to the Plan, Left of Days
	ItemTopUp   ItemKind = "topup"   // credit, by the Plan
	ItemAhead   ItemKind = "ahead"   // a block of Bytes that is bought ahead of need
	ItemOverage ItemKind = "overage" // a block of Bytes for the Over of a Period; 0: for that of the line before
	ItemCredit  ItemKind = "credit"  // Bytes that the blocks leave, until the day Until
)

// Item is what a line of an invoice is for, until it is printed. Dates are in the
// operator's zone.
type Item struct {
	Kind       ItemKind
	Plan, From string
	Term       quota.Term
	Starts     string // "": at once
	Left, Days int64
	Bytes      int64
	Over       int64
	Period     string
	Until      string
}

// String names the figures, for a store that was opened without Options.Print.
func (i Item) String() string {
	parts := []string{string(i.Kind)}
	for _, f := range []struct {
		name  string
		value any
	}{{"plan", i.Plan}, {"from", i.From}, {"term", i.Term}, {"starts", i.Starts}, {"left", i.Left}, {"days", i.Days},
		{"bytes", i.Bytes}, {"over", i.Over}, {"period", i.Period}, {"until", i.Until}} {
		if text := fmt.Sprint(f.value); text != "" && text != "0" {
			parts = append(parts, f.name+"="+text)
		}
	}
	return strings.Join(parts, " ")
}

// Cause is why an invoice is taken back, or something else happened, where nobody has
// given a reason in words.
type Cause string

const (
	CauseUnpaid   Cause = "unpaid"      // nothing of the invoice was paid
	CausePartly   Cause = "partly-paid" // it was not paid in full
	CauseExpired  Cause = "expired"     // the order was not paid in time
	CauseNotBegun Cause = "not-begun"   // its term had not begun
	CauseLost     Cause = "lost"        // another store issued the number

	CausePaid      Cause = "paid"       // what the account was held back for was paid; nobody resumed it
	CauseGoesOn    Cause = "goes-on"    // a year without a price renews automatically
	CauseUsedUp    Cause = "used-up"    // the term before it is used up
	CauseTakenBack Cause = "taken-back" // credit goes with the invoice that it was bought by
	CauseGoodwill  Cause = "goodwill"   // money that did not come in by payments ends with the account
	CauseRefunded  Cause = "refunded"
	CauseRemoved   Cause = "removed"
	CauseAbuse     Cause = "abuse"   // too much came back of the account's mail
	CauseUndated   Cause = "undated" // use from before days were kept
)

// PrintPlainly prints figures and causes as they are.
func PrintPlainly(i *Invoice) {
	for at := range i.Lines {
		if l := &i.Lines[at]; l.Item != (Item{}) {
			l.Text = l.Item.String()
		}
	}
	i.Reason = cmp.Or(i.Reason, string(i.Cause))
}
