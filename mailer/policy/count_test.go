package policy

import (
	"strings"
	"testing"

	"relay/store/sites"
)

// A connection is counted under a few lines of a policy, however long that is: each one is
// written with the outcome of a message.
func TestTerms_Count_bounded(t *testing.T) {
	long := &sites.TLSPolicy{Mode: ModeEnforce}
	for range maxPatterns {
		long.MX = append(long.MX, strings.Repeat("a", 300)+".test")
	}
	c := (&Terms{Domain: "a.test", sts: long}).Count("mx.a.test", nil, true)
	size := 0
	for _, line := range append(c.Policy, c.MX...) {
		size += len(line)
	}
	if c.Type != typeSTS || size > 2*mostCounted || len(c.MX) == 0 || c.Policy[1] != "mode: enforce" {
		t.Errorf("%d octets of %d lines: %s", size, len(c.Policy), c.Type)
	}
}
