package ledger

import (
	"fmt"
	"strconv"
	"strings"

	"relay/quota"
	"relay/store/signs"
)

// Facts are what an entry tells beside its figures, as values; report/words makes a text of them. Which of
// them an entry has follows from its Kind.
//
// Entries of schema 8 and before have that text in Entry.Note, and no facts. Entry.Recall reads from it
// what sums and comparisons need; people are shown the note.
type Facts struct {
	For       InvoiceKind        `json:"for,omitempty"`       // of an invoice and a credit note
	Method    string             `json:"method,omitempty"`    // of a payment and its reversal
	Reference string             `json:"reference,omitempty"` // likewise
	Plan      string             `json:"plan,omitempty"`      // that was bought on top, or that is waited for
	From      string             `json:"from,omitempty"`      // plan that was upgraded, or period that left what is carried
	Block     int64              `json:"block,omitempty"`     // octets of a block bought ahead
	Blocks    []quota.BlockCount `json:"blocks,omitempty"`    // bought for overage
	Limit     quota.AtLimit      `json:"limit,omitempty"`     // that was chosen
	Most      *int64             `json:"most,omitempty"`      // ceiling of overage that was set, as in store.Account.OverMax
	Days      int                `json:"days,omitempty"`      // before the last one, of a warning
	LastDay   string             `json:"last_day,omitempty"`  // of the term, in the operator's zone
	To        string             `json:"to,omitempty"`        // address that was told
	Cause     Cause              `json:"cause,omitempty"`     // "": the Kind says it, or Note does
	Signs     *signs.Figures     `json:"signs,omitempty"`     // of a suspension for abuse; nil: of others
}

// Invoice is the number of the invoice that an entry is about; 0: it is about none, or about one that is
// only worked out.
func (e *Entry) Invoice() uint64 {
	n, _ := strconv.ParseUint(e.Ref, 10, 64)
	return n
}

// Recall fills in the facts that sums and comparisons need, of an entry that has a text instead.
func (e *Entry) Recall() {
	if e.Note == "" {
		return
	}
	switch e.Kind {
	case KindInvoice, KindCreditNote:
		e.For = InvoiceKind(e.Note)
	case KindPayment:
		e.Method, e.Reference, _ = strings.Cut(e.Note, " ")
	case KindResumed:
		e.Cause = CausePaid
	case KindSuspended:
		if e.Ref != "" {
			e.Cause = CauseUnpaid
		}
	case KindLimit:
		e.Limit = quota.AtLimit(e.Note)
	case KindOverMax:
		e.Most = new(ceilingOf(e.Note))
	case KindWarned:
		if _, err := fmt.Sscanf(e.Note, "%d days", &e.Days); err != nil {
			e.Days = 1 // "a day before the last day"
		}
	}
}

// ceilingOf reads "1.5 GB", "none" or "as the plan says".
func ceilingOf(text string) int64 {
	switch text {
	case "as the plan says":
		return 0
	case "none":
		return quota.Uncapped
	}
	number, unit, _ := strings.Cut(text, " ")
	zeros := map[string]int{"GB": 9, "MB": 6, "kB": 3}[unit]
	whole, part, _ := strings.Cut(number, ".")
	n, _ := strconv.ParseInt(whole+part+strings.Repeat("0", max(zeros-len(part), 0)), 10, 64)
	return n
}
