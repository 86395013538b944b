package words

import (
	"fmt"
	"strings"

	"relay/quota"
	"relay/store/ledger"
)

// Entry writes the text of an entry of the ledger, without its figures. An entry that was
// stored as text, before schema 9, keeps that text.
func (l Language) Entry(e *ledger.Entry) string {
	switch {
	case e.Kind == ledger.KindReversal && e.Method != "":
		return e.Method + " " + e.Reference + ": " + e.Note
	case e.Note != "":
		return e.Note
	case e.Contract != nil:
		return termEntry(e)
	}
	switch e.Kind {
	case ledger.KindInvoice, ledger.KindCreditNote:
		return string(e.For)
	case ledger.KindPayment:
		return e.Method + " " + e.Reference
	case ledger.KindTopUp:
		return l.bought(e)
	case ledger.KindCarried:
		return "left of " + e.From
	case ledger.KindOverage:
		return l.Blocks(e.Blocks)
	case ledger.KindPlan:
		return e.Plan
	case ledger.KindLimit:
		return string(e.Limit)
	case ledger.KindOverMax:
		return ceilingText(e.Most)
	case ledger.KindWarned:
		return warnedText(e)
	}
	return causeOf(e.Cause)
}

// termEntry is about a term that was bought, changed or given back.
func termEntry(e *ledger.Entry) string {
	text := e.Contract.Plan.Name
	switch {
	case e.From != "":
		return e.From + " to " + text
	case e.Cause == ledger.CauseGoesOn:
		return text + ", renewed automatically"
	case e.Cause == ledger.CauseUsedUp:
		return text + ", the term before it is used up"
	}
	return text
}

// bought credit, in the words of its invoice.
func (l Language) bought(e *ledger.Entry) string {
	if e.Block != 0 {
		return l.Item(&ledger.Item{Kind: ledger.ItemAhead, Bytes: e.Block})
	}
	return l.Item(&ledger.Item{Kind: ledger.ItemTopUp, Plan: e.Plan})
}

// Blocks that were bought for overage: "1 × 2 GB, 3 × 1 GB".
func (Language) Blocks(list []quota.BlockCount) string {
	parts := make([]string, len(list))
	for i, b := range list {
		parts[i] = fmt.Sprintf("%d × %s", b.Count, Octets(b.Bytes))
	}
	return strings.Join(parts, ", ")
}

// Covered says which blocks the overage of a period was covered by; "": by none.
func (l Language) Covered(p *ledger.PeriodSum) string {
	if p.Covered != "" {
		return p.Covered
	}
	return l.Blocks(p.Blocks)
}

// ceilingText is a ceiling of overage to the octet.
func ceilingText(most *int64) string {
	switch {
	case most == nil || *most == 0:
		return "as the plan says"
	case *most < 0:
		return "none"
	}
	return Octets(*most)
}

func warnedText(e *ledger.Entry) string {
	text := fmt.Sprintf("%d days", e.Days)
	if e.Days == 1 {
		text = "a day"
	}
	return fmt.Sprintf("%s before the last day, %s, to %s", text, e.LastDay, e.To)
}

// causeOf an entry; "": none.
func causeOf(c ledger.Cause) string {
	switch c {
	case ledger.CauseTakenBack:
		return "taken back with its invoice"
	case ledger.CauseGoodwill:
		return goodwill
	case ledger.CauseUndated:
		return "before days were kept"
	}
	return string(c) // a word that people read too: unpaid, paid, refunded, removed
}
