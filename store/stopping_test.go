package store

import (
	"path/filepath"
	"testing"
)

// A removal in small steps ends at its next step once the store closes, which is no fault.
func TestStore_Close_endsRemovals(t *testing.T) {
	c := &clock{t: epoch}
	s := reopen(t, filepath.Join(t.TempDir(), "relay.db"), c)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for what, prune := range map[string]func() (int, error){
		"the list of errors": func() (int, error) { return s.Refusals.PruneErrors(c.now()) },
		"what came back":     func() (int, error) { return s.Returns.Prune(c.now()) },
		"suppressions":       func() (int, error) { return s.Refusals.PruneSuppressions(c.now(), "prune") },
	} {
		if n, err := prune(); n != 0 || err != nil {
			t.Errorf("%s: %d, %v", what, n, err)
		}
	}
}
