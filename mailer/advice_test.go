package mailer

import (
	"testing"

	"relay/mailer/verdict"
	"relay/store/refusals"
)

// A list of errors tells a customer to remove what the verdict blames the recipient for, but a
// full mailbox, and says of what is somebody else's fault that it is.
func TestAdviceFor(t *testing.T) {
	blames := map[verdict.Category]string{verdict.QuotaIssues: refusals.AdviceWatch, verdict.Complaint: refusals.AdviceRemove}
	for c, want := range blames {
		if is := refusals.AdviceFor(string(c)); is != want {
			t.Errorf("%s: %s, want %s", c, is, want)
		}
	}
	by := map[verdict.Blame]string{verdict.OfRecipient: refusals.AdviceRemove, verdict.OfSource: refusals.AdviceNotYours, verdict.OfPacing: refusals.AdviceNotYours,
		verdict.OfMessage: refusals.AdviceNotYours, verdict.OfDomain: refusals.AdviceNotYours, verdict.OfHosts: refusals.AdviceWatch, verdict.OfUnknown: refusals.AdviceWatch}
	for _, c := range verdict.Categories() {
		want := by[c.Blame()]
		if blames[c] != "" {
			want = blames[c]
		}
		if is := refusals.AdviceFor(string(c)); is != want {
			t.Errorf("%s blames the %s: %s, want %s", c, c.Blame(), is, want)
		}
	}
}
