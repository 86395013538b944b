package mailer

import (
	"testing"

	"relay/mailer/verdict"
	"relay/store"
)

// A list of errors tells a customer to remove what the verdict blames the recipient for, but a
// full mailbox, and says of what is somebody else's fault that it is.
func TestAdviceFor(t *testing.T) {
	blames := map[verdict.Category]string{verdict.QuotaIssues: store.AdviceWatch, verdict.Complaint: store.AdviceRemove}
	for c, want := range blames {
		if is := store.AdviceFor(string(c)); is != want {
			t.Errorf("%s: %s, want %s", c, is, want)
		}
	}
	by := map[verdict.Blame]string{verdict.OfRecipient: store.AdviceRemove, verdict.OfSource: store.AdviceNotYours, verdict.OfPacing: store.AdviceNotYours,
		verdict.OfMessage: store.AdviceNotYours, verdict.OfDomain: store.AdviceNotYours, verdict.OfHosts: store.AdviceWatch, verdict.OfUnknown: store.AdviceWatch}
	for _, c := range verdict.Categories() {
		want := by[c.Blame()]
		if blames[c] != "" {
			want = blames[c]
		}
		if is := store.AdviceFor(string(c)); is != want {
			t.Errorf("%s blames the %s: %s, want %s", c, c.Blame(), is, want)
		}
	}
}
