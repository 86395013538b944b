package spooled

import (
	"testing"

	"pgregory.net/rapid"
)

// What is written into a key of a list is read from it again.
func TestListKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		owner, domain := rapid.StringMatching(`[a-z0-9.-]{1,20}`).Draw(t, "owner"), rapid.StringMatching(`[a-z0-9.\[\]-]{0,20}`).Draw(t, "domain")
		var id ID
		copy(id[:], rapid.SliceOfN(rapid.Byte(), len(id), len(id)).Draw(t, "id"))
		if gotID, got := ParseListKey(owner, ListKey(owner, id, domain)); gotID != id || got != domain {
			t.Fatalf("read %v %q, want %v %q", gotID, got, id, domain)
		}
	})
}
