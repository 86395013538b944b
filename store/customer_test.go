package store

import (
	"errors"
	"slices"
	"testing"

	"relay/store/behalf"
	"relay/store/books"
	"relay/store/orders"
	"relay/store/people"
)

func TestCustomer_accounts(t *testing.T) {
	s, _ := newBooks(t)
	if err := s.People.AddCustomer(people.Customer{Name: "acme", Address: []string{"Acme", "Via Roma 1"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.People.AddReseller(people.Reseller{Name: "res", Hash: people.TokenHash("secret")}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"web", "shop", "other"} {
		n := orders.NewAccount{Account: books.Account{Name: name, Owner: "acme", Reseller: "res"}, Plan: silver, Activate: true}
		if name == "other" {
			n.Account.Owner = ""
		}
		if _, err := s.Orders.AddAccount(behalf.Order{}, n); err != nil {
			t.Fatal(err)
		}
		mustSend(t, s, name, 100, 3)
	}
	if _, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "x", Owner: "nobody"}, Plan: free}); !errors.Is(err, ErrNotFound) {
		t.Errorf("an account of nobody = %v", err)
	}
	if i, _ := s.Books.Invoice(1); !slices.Equal(i.Buyer, []string{"Acme", "Via Roma 1"}) || i.Customer != "acme" {
		t.Errorf("invoice = %+v", i)
	}
	if r, err := s.People.ResellerByToken("secret"); err != nil || r.Name != "res" {
		t.Errorf("ResellerByToken = %+v, %v", r, err)
	}
	if _, err := s.People.ResellerByToken("wrong"); !errors.Is(err, ErrNotFound) {
		t.Errorf("ResellerByToken(wrong) = %v", err)
	}
	if err := s.People.RemoveCustomer("acme"); !errors.Is(err, ErrInUse) {
		t.Errorf("RemoveCustomer = %v", err)
	}
	if _, err := s.Orders.ChangeAccount(behalf.Order{}, "web", func(a *books.Account) (orders.Change, error) { a.Owner = ""; return orders.Change{}, nil }); err != nil {
		t.Fatal(err)
	}
	var own []string
	if err := s.Books.EachAccount(books.Wanted{Owner: "acme"}, func(a *books.Account) error { own = append(own, a.Name); return nil }); err != nil || !slices.Equal(own, []string{"shop"}) {
		t.Errorf("accounts of acme = %v, %v", own, err)
	}
	if n, err := s.People.CountBelow("res"); err != nil || n != 3 {
		t.Errorf("CountBelow = %d, %v", n, err)
	}
}
