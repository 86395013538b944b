package suppressions

import (
	"strings"

	"relay/mailer/verdict"
	"relay/store"
)

// reason is that of a row, in our spelling. One that is not ours, such as "bounced" in the
// list of another service, is by hand.
func reason(text string) string {
	for _, c := range []verdict.Category{verdict.InvalidRecipient, verdict.InactiveMailbox, verdict.BadDomain, verdict.QuotaIssues, verdict.Complaint} {
		if strings.EqualFold(text, string(c)) {
			return string(c)
		}
	}
	return store.ByHand
}
