package store

import (
	"errors"
	"testing"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/signing"
)

// What one transaction counts of an account and then removes with it does not come back for
// the next account of that name.
func TestRemoveAccount_counted(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	err := s.update(0, func(t *tx) error {
		a, err := t.s.Books.AccountIn(&t.Tx, "acme")
		if err != nil {
			return err
		}
		rec, err := s.Strangers.In(&t.Tx, a.Name)
		if err != nil {
			return err
		}
		rec.Proven = true
		if err := s.Signing.Count(&t.Tx, "acme", "a.test", "p", signing.Outcome{Fate: signing.Failed}); err != nil {
			return err
		}
		return errors.Join(t.s.Orders.CloseRemoved(&t.Tx, &behalf.Order{}, "acme"), t.deleteAccount("acme"))
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.view(func(tx *tx) error {
		if tx.Get(bucket.Records, []byte("acme")) != nil {
			t.Error("the record is there")
		}
		if k, _ := tx.Cursor(bucket.Tallies).First(); k != nil {
			t.Errorf("tally %q is there", k)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
