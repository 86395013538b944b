package store

import (
	"testing"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/remark"
)

// The remarks about an account go with it.
func TestStore_remarks(t *testing.T) {
	s, _ := newStore(t)
	var list []remark.Remark
	for _, name := range []string{"acme", "acme2"} {
		addAccount(t, s, name, quota.Plan{})
		list = append(list, remark.Remark{Account: name, Day: "2026-11-29", Kind: remark.Unsigned, Domain: "shop.example", Count: 2})
	}
	if _, err := s.Remarks.Keep(list); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveAccount(behalf.Order{}, "acme"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"acme": 0, "acme2": 1} {
		if is, err := s.Remarks.Of(name, ""); len(is) != want || err != nil {
			t.Errorf("%s: %+v, %v", name, is, err)
		}
	}
}
