package words

import (
	"strings"
	"testing"
)

func TestLanguage_Remark(t *testing.T) {
	for _, c := range []struct {
		kind, domain, policy string
		count                int64
		want                 string
	}{
		{"unsigned", "a.example", "reject", 1, "1 message from a.example: nothing proves that they are from there, so receivers refuse them, as the domain asks (p=reject)"},
		{"unsigned", "a.example", "none", 2, "large receivers refuse or hide them"},
		{"unsigned", "", "", 2, "2 messages from further domains"},
		{"spf-only", "a.example", "", 2, "only SPF"},
		{"freemail", "yahoo.com", "reject", 2, "what yahoo.com itself did not send"},
		{"bulk", "a.example", "", 200, "200 messages from a.example: one subject went to many"},
		{"volume", "a.example", "", 4000, "4,000 e-mails from a.example to Gmail"},
		{"other", "a.example", "", 1, "1 message from a.example: other"},
	} {
		if got := English.Remark(c.kind, c.domain, c.policy, c.count); !strings.Contains(got, c.want) {
			t.Errorf("%q is not in %q", c.want, got)
		}
	}
}
