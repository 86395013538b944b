package store

import (
	"errors"
	"testing"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/orders"
	"relay/store/people"
)

// A login is found in any case, and there is no other one that it could be taken for.
func TestStore_loginsWithoutCase(t *testing.T) {
	s, _ := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	for _, name := range []string{"acme", "ACME", "Acme"} {
		if c, err := s.People.Credential(name); err != nil || c.Login != "acme" {
			t.Errorf("Credential(%q) = %q, %v", name, c.Login, err)
		}
	}
	if err := s.People.AddCredential(behalf.Order{}, people.Credential{Login: "acme", Account: "acme"}); !errors.Is(err, ErrExists) {
		t.Errorf("added twice: %v", err)
	}
	for _, name := range []string{"ACME", "Acme", "jos\u00e9", ""} {
		if err := s.People.AddCredential(behalf.Order{}, people.Credential{Login: name, Account: "acme"}); err == nil {
			t.Errorf("login %q was added", name)
		}
		n := orders.NewAccount{Account: books.Account{Name: "other"}, Plan: quota.Plan{Name: "p", Term: quota.Year}, Credential: &people.Credential{Login: name, Account: "other"}}
		if _, err := s.Orders.AddAccount(behalf.Order{}, n); err == nil {
			t.Errorf("account with login %q was added", name)
		}
	}
}
