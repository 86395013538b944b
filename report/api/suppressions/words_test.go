package suppressions

import (
	"testing"

	"relay/mailer/verdict"
	"relay/report/words"
)

// Each category that a reply can have is explained to customers in words of its own.
func TestCategories_words(t *testing.T) {
	unclear := words.English.Failure("")
	for _, c := range append(verdict.Categories(), verdict.Complaint, "Manual") {
		if got := words.English.Failure(string(c)); got == unclear && c != verdict.Uncategorized {
			t.Errorf("%s is not explained: %q", c, got)
		}
	}
}
