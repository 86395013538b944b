package answer

import (
	"testing"

	"relay/quota"
)

// M18: the answer to an upgrade of 30 days that are used up is to renew.
func TestRefusedHint_usedUp(t *testing.T) {
	if got := RefusedHint("acme", "big", quota.Refuse("upgrade", quota.Reason{Why: quota.WhyUsedUp})); got != "{account renew acme}" {
		t.Errorf("hint %q", got)
	}
}
