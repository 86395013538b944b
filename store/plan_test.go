package store

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"relay/quota"
)

// PutPlans does all or nothing.
func TestStore_PutPlans(t *testing.T) {
	s, _ := newStore(t)
	before, err := s.Books.Plans()
	if err != nil {
		t.Fatal(err)
	}
	entry := before[0]
	entry.Price = 500
	fresh := quota.Plan{Name: "fresh", Term: quota.Month, Emails: 5}
	if _, err := s.Books.PutPlans([]quota.Plan{entry, {Name: "bad"}}, false); err == nil {
		t.Error("a plan without a term is stored")
	}
	for _, dryRun := range []bool{true, false} {
		if after, err := s.Books.Plans(); err != nil || !cmp.Equal(before, after) {
			t.Errorf("plans have changed: %v\n%s", err, cmp.Diff(before, after))
		}
		was, err := s.Books.PutPlans([]quota.Plan{entry, fresh}, dryRun)
		if err != nil || len(was) != 2 || was[0] == nil || was[0].Price != before[0].Price || was[1] != nil {
			t.Errorf("PutPlans = %v, %v", was, err)
		}
		if _, err := s.Books.Plan("fresh"); dryRun != errors.Is(err, ErrNotFound) {
			t.Errorf("dry run %v: %v", dryRun, err)
		}
	}
	if p, err := s.Books.Plan(entry.Name); err != nil || p.Price != 500 {
		t.Errorf("%+v, %v", p, err)
	}
}
