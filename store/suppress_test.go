package store

import (
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/refusals"
	"relay/store/spool"
)

var unknownUser = &refusals.Rule{Reason: "InvalidRecipient", Status: "5.1.1", Messages: 1, Keep: 180 * 24 * time.Hour}

// claimOne claims what is due of acme at a.test, which is one message.
func claimOne(t *testing.T, s *Store) spool.Claimed {
	t.Helper()
	list := claim(t, s, "a.test", "acme", 10)
	if len(list) != 1 {
		t.Fatalf("claimed %+v, want one message", list)
	}
	return list[0]
}

// The prune records its job; with the account its suppressions go.
func TestStore_Suppress_removed(t *testing.T) {
	s, c := newStore(t)
	for _, account := range []string{"acme", "acme2"} {
		addAccount(t, s, account, quota.Plan{})
		list := []refusals.Suppression{{Recipient: "a@a.test", Expires: s.Now().Add(time.Hour)}, {Recipient: "b@a.test"}}
		if _, err := s.Refusals.AddSuppressions(behalf.Order{}, account, list); err != nil {
			t.Fatal(err)
		}
	}
	c.add(2 * time.Hour)
	if n, err := s.Refusals.PruneSuppressions(s.Now(), "lapse"); n != 2 || err != nil {
		t.Errorf("pruned %d, %v", n, err)
	}
	if is, err := s.Jobs.State("lapse"); err != nil || !is.Done.Equal(s.Now()) {
		t.Errorf("recorded %+v, %v", is, err)
	}
	if err := s.RemoveAccount(behalf.Order{}, "acme"); err != nil {
		t.Fatal(err)
	}
	for account, want := range map[string]bool{"acme": false, "acme2": true} {
		if _, ok, err := s.Refusals.Suppressed(account, "b@a.test"); ok != want || err != nil {
			t.Errorf("of %s: %t, %v", account, ok, err)
		}
	}
	verify(t, s)
}
