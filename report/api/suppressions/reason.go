package suppressions

import (
	"strings"

	"relay/mailer/verdict"
	"relay/store/refusals"
)

// categories are those that suppress.
var categories = []verdict.Category{verdict.InvalidRecipient, verdict.InactiveMailbox, verdict.BadDomain, verdict.QuotaIssues, verdict.Complaint}

// reason is that of a row, in our spelling. One that is not ours, such as "bounced" in the
// list of another service, is by hand.
func reason(text string) string {
	for _, c := range categories {
		if strings.EqualFold(text, string(c)) {
			return string(c)
		}
	}
	return refusals.ByHand
}

// reasons are all that a suppression can have, for a person.
func reasons() string {
	var text strings.Builder
	for _, c := range categories {
		text.WriteString(string(c) + ", ")
	}
	return text.String() + refusals.ByHand
}
