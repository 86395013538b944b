package store

import (
	"errors"
	"testing"

	"relay/quota"
)

// resold is a store with two resellers and an account below each.
func resold(t *testing.T) *Store {
	t.Helper()
	s, _ := newStore(t)
	for _, name := range []string{"webco", "other"} {
		if err := s.AddReseller(Reseller{Name: name, Hash: TokenHash(name)}); err != nil {
			t.Fatal(err)
		}
		n := NewAccount{Account: Account{Name: name + ".one", Reseller: "whoever"}, Plan: quota.Plan{Name: "p", Term: quota.Month}}
		if _, err := s.AddAccount(Order{By: "reseller " + name, Reseller: name}, n); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestOrder_Reseller(t *testing.T) {
	s := resold(t)
	o := Order{By: "reseller webco", Reseller: "webco"}
	operator := Order{By: "uid 0"}
	t.Run("what it adds is below it", func(t *testing.T) {
		for name, want := range map[string]bool{"webco.one": true, "other.one": false, "nobody": false, "": false, "bad\x00name": false} {
			if got, err := s.Below("webco", name); got != want || err != nil {
				t.Errorf("Below(webco, %q) = %t, %v, want %t", name, got, err, want)
			}
		}
		n := NewAccount{Account: Account{Name: "webco.two"}, Plan: quota.Plan{Name: "p", Term: quota.Month}, Activate: true}
		if _, err := s.AddAccount(o, n); !errors.Is(err, ErrNotYours) {
			t.Errorf("an account that does not wait for its payment: %v", err)
		}
	})
	t.Run("others' accounts are not there", func(t *testing.T) {
		_, theirs := s.Suspend(o, "other.one", "x")
		_, missing := s.Suspend(o, "other.two", "x")
		if !errors.Is(theirs, ErrNotFound) || !errors.Is(missing, ErrNotFound) {
			t.Errorf("%v and %v, want ErrNotFound", theirs, missing)
		}
		if a, err := s.Account("other.one"); err != nil || a.State != Active {
			t.Errorf("it is %s, %v", a.State, err)
		}
	})
	resume := func(t *testing.T, want error) {
		t.Helper()
		if _, err := s.Resume(o, "webco.one"); !errors.Is(err, want) {
			t.Errorf("Resume = %v, want %v", err, want)
		}
	}
	suspend := func(t *testing.T, o Order, want error) {
		t.Helper()
		if _, err := s.Suspend(o, "webco.one", "because"); !errors.Is(err, want) {
			t.Errorf("Suspend by %s = %v, want %v", o.By, err, want)
		}
	}
	t.Run("it lifts its own suspension", func(t *testing.T) {
		suspend(t, o, nil)
		resume(t, nil)
	})
	t.Run("not the operator's, nor by its own over that", func(t *testing.T) {
		suspend(t, operator, nil)
		resume(t, ErrNotYours)
		suspend(t, o, ErrNotYours)
		resume(t, ErrNotYours)
		if _, err := s.Resume(operator, "webco.one"); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("not its own when the operator's came after", func(t *testing.T) {
		suspend(t, o, nil)
		suspend(t, operator, nil)
		resume(t, ErrNotYours)
		if _, err := s.Resume(operator, "webco.one"); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("logins of its own only, whoever had checked", func(t *testing.T) {
		for _, name := range []string{"other.one", "other.two"} {
			if err := s.AddCredentialBy(o, Credential{Login: "webco.x", Account: name}); !errors.Is(err, ErrNotFound) {
				t.Errorf("AddCredentialBy(%s) = %v", name, err)
			}
		}
		if err := s.AddCredential(Credential{Login: "other.x", Account: "other.one"}); err != nil {
			t.Fatal(err)
		}
		if err := s.RemoveCredentialBy(o, "other.one", "other.x"); !errors.Is(err, ErrNotFound) {
			t.Errorf("RemoveCredentialBy = %v", err)
		}
		err := s.AddCredentialBy(o, Credential{Login: "webco.x", Account: "webco.one"})
		if err = errors.Join(err, s.RemoveCredentialBy(o, "webco.one", "webco.x")); err != nil {
			t.Error(err)
		}
	})
	t.Run("no name that has books: they may be somebody else's", func(t *testing.T) {
		n := NewAccount{Account: Account{Name: "webco.gone"}, Plan: quota.Plan{Name: "p", Term: quota.Month}}
		if _, err := s.AddAccount(operator, n); err != nil {
			t.Fatal(err)
		}
		if err := s.RemoveAccount("webco.gone"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.AddAccount(o, n); !errors.Is(err, ErrExists) {
			t.Errorf("AddAccount = %v, want ErrExists", err)
		}
		if _, err := s.AddAccount(operator, n); err != nil {
			t.Errorf("the operator: %v", err)
		}
	})
	t.Run("nothing that waits for money", func(t *testing.T) {
		n := NewAccount{Account: Account{Name: "webco.paid"}, Plan: quota.Plan{Name: "dear", Term: quota.Month, Price: 900}}
		if _, err := s.AddAccount(o, n); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Activate(o, "webco.paid"); !errors.Is(err, ErrNotYours) {
			t.Errorf("Activate = %v", err)
		}
		if err := s.update(0, func(tx *tx) error {
			a, err := load[Account](tx, accounts, "webco.one")
			a.Hold = HoldUnpaid
			return errors.Join(err, tx.put(accounts, []byte(a.Name), a))
		}); err != nil {
			t.Fatal(err)
		}
		resume(t, ErrNotYours)
		if err := s.update(0, func(tx *tx) error {
			a, err := load[Account](tx, accounts, "webco.one")
			a.Hold = ""
			return errors.Join(err, tx.put(accounts, []byte(a.Name), a))
		}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestStore_customerOfAReseller(t *testing.T) {
	s := resold(t)
	if err := s.AddCustomer(Customer{Name: "acme", Reseller: "nobody"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("a reseller that is not there: %v", err)
	}
	if err := s.AddReseller(Reseller{Name: "third"}); err != nil {
		t.Fatal(err)
	}
	if err := s.AddCustomer(Customer{Name: "acme", Reseller: "third"}); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveReseller("third"); !errors.Is(err, ErrInUse) {
		t.Errorf("RemoveReseller = %v, want ErrInUse", err)
	}
	n := NewAccount{Account: Account{Name: "shop", Owner: "acme"}, Plan: quota.Plan{Name: "p", Term: quota.Month}}
	if _, err := s.AddAccount(Order{}, n); err != nil {
		t.Fatal(err)
	}
	if ok, err := s.Below("third", "shop"); !ok || err != nil {
		t.Errorf("Below = %t, %v", ok, err)
	}
	for w, want := range map[string]int{"acme": 1, "nobody": 0} {
		if got, err := s.CountAccounts(Wanted{Owner: w}); got != want || err != nil {
			t.Errorf("CountAccounts(%s) = %d, %v, want %d", w, got, err, want)
		}
	}
}
