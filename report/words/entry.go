package words

import (
	"fmt"
	"strings"

	"relay/quota"
	"relay/store"
)

// Entry writes the text of an entry of the ledger, without its figures. An entry that was
// stored as text, before schema 9, keeps that text.
func (l Language) Entry(e *store.Entry) string {
	switch {
	case e.Kind == store.KindReversal && e.Method != "":
		return e.Method + " " + e.Reference + ": " + e.Note
	case e.Note != "":
		return e.Note
	case e.Contract != nil:
		return termEntry(e)
	}
	switch e.Kind {
	case store.KindInvoice, store.KindCreditNote:
		return string(e.For)
	case store.KindPayment:
		return e.Method + " " + e.Reference
	case store.KindTopUp:
		return l.bought(e)
	case store.KindCarried:
		return "left of " + e.From
	case store.KindOverage:
		return l.Blocks(e.Blocks)
	case store.KindPlan:
		return e.Plan
	case store.KindLimit:
		return string(e.Limit)
	case store.KindOverMax:
		return ceilingText(e.Most)
	case store.KindWarned:
		return warnedText(e)
	}
	return causeOf(e.Cause)
}

// termEntry is about a term that was bought, changed or given back.
func termEntry(e *store.Entry) string {
	text := e.Contract.Plan.Name
	switch {
	case e.From != "":
		return e.From + " to " + text
	case e.Cause == store.CauseGoesOn:
		return text + ", renewed automatically"
	case e.Cause == store.CauseUsedUp:
		return text + ", the term before it is used up"
	}
	return text
}

// bought credit, in the words of its invoice.
func (l Language) bought(e *store.Entry) string {
	if e.Block != 0 {
		return l.Item(&store.Item{Kind: store.ItemAhead, Bytes: e.Block})
	}
	return l.Item(&store.Item{Kind: store.ItemTopUp, Plan: e.Plan})
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
func (l Language) Covered(p *store.PeriodSum) string {
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

func warnedText(e *store.Entry) string {
	text := fmt.Sprintf("%d days", e.Days)
	if e.Days == 1 {
		text = "a day"
	}
	return fmt.Sprintf("%s before the last day, %s, to %s", text, e.LastDay, e.To)
}

// causeOf an entry; "": none.
func causeOf(c store.Cause) string {
	switch c {
	case store.CauseTakenBack:
		return "taken back with its invoice"
	case store.CauseGoodwill:
		return goodwill
	case store.CauseUndated:
		return "before days were kept"
	}
	return string(c) // a word that people read too: unpaid, paid, refunded, removed
}
