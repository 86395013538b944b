package words

import (
	"fmt"
	"strings"

	"relay/quota"
)

// Refusal says why an order is not possible: "upgrade refused: …; …".
func (l Language) Refusal(no *quota.Refusal) string {
	texts := make([]string, len(no.Reasons))
	for i := range no.Reasons {
		texts[i] = l.Reason(no.Order, &no.Reasons[i])
	}
	return no.Order + " refused: " + strings.Join(texts, "; ")
}

// Reason is one reason why an order is refused.
func (l Language) Reason(order string, r *quota.Reason) string {
	switch r.Why {
	case quota.WhyEnded:
		return endedReason(order)
	case quota.WhyRetired:
		return fmt.Sprintf("plan %s is not sold any more", r.To.Name)
	case quota.WhyKind:
		return kindReason(r)
	case quota.WhyTerm:
		return termReason(r)
	case quota.WhySmaller:
		return smallerReason(order, r)
	case quota.WhyCheaper:
		return fmt.Sprintf("%s costs less than %s", r.To.Name, r.From.Name)
	case quota.WhyUnlimited:
		return fmt.Sprintf("%s has no limit to add to", r.From.Name)
	case quota.WhyNoBlock:
		return fmt.Sprintf("plan %s has no block of that size", r.From.Name)
	case quota.WhyLate:
		return fmt.Sprintf("it is day %d of the term, the last for a refund was day %d", r.Day, r.Last)
	case quota.WhyLater:
		return "it is not the first term of the account"
	case quota.WhyOverage:
		return "there was overage in this term"
	case quota.WhyAbuse:
		return "the account was marked for abuse"
	case quota.WhyUsedUp:
		return fmt.Sprintf("what plan %s allows in 30 days is used up: renew it, or renew with the larger plan", r.From.Name)
	case quota.WhyOrdered:
		return fmt.Sprintf("invoice %s is the order of account %s", r.Invoice, r.Account)
	}
	return string(r.Why)
}

func endedReason(order string) string {
	if order == "upgrade" {
		return "the term has ended: renew with the other plan"
	}
	return "the term has ended: renew it"
}

// kindReason is about both plans of an upgrade, and about one of a top-up.
func kindReason(r *quota.Reason) string {
	switch {
	case r.To.Name == "":
		return fmt.Sprintf("%s is a bandwidth plan: buy a block instead", r.From.Name)
	case r.From.Name == "":
		return fmt.Sprintf("%s is not a count plan", r.To.Name)
	}
	return fmt.Sprintf("%s is a %s plan, %s a %s plan: change at renewal", r.From.Name, r.From.Kind(), r.To.Name, r.To.Kind())
}

// termReason is about both plans of an upgrade, and about the one ordered of a top-up.
func termReason(r *quota.Reason) string {
	if r.From.Name == "" {
		return fmt.Sprintf("%s does not run for a month", r.To.Name)
	}
	return fmt.Sprintf("%s runs for a %s, %s for a %s: change at renewal", r.From.Name, r.From.Term, r.To.Name, r.To.Term)
}

// smallerReason is of an upgrade, and of a plan that the operator gives.
func smallerReason(order string, r *quota.Reason) string {
	if order == "upgrade" {
		return fmt.Sprintf("%s does not allow more than %s: downgrade at renewal", r.To.Name, r.From.Name)
	}
	return fmt.Sprintf("%s of what was sent since %s would be overage", unitsExactly(r.Units, r.To.Kind()), r.Since)
}
