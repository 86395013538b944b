package words

import (
	"testing"
	"unicode/utf8"
)

// Each category has a short form, which leaves room for the recipient in 80 columns.
func TestReason(t *testing.T) {
	for category := range failures {
		if n := utf8.RuneCountInString(reasons[category]); n == 0 || n > 20 {
			t.Errorf("%s: %q", category, reasons[category])
		}
	}
	if len(reasons) != len(failures) || Reason("nonsense") != "refused" {
		t.Errorf("%d of %d, and %q", len(reasons), len(failures), Reason("nonsense"))
	}
}
