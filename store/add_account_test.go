package store

import (
	"errors"
	"slices"
	"testing"
	"time"

	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/orders"
	"relay/store/people"
)

func TestAddAccount_pendingUntilPaid(t *testing.T) {
	s, c := newBooks(t)
	r, err := s.Orders.AddAccount(behalf.Order{By: "op"}, orders.NewAccount{Account: books.Account{Name: "acme", Contact: "a@acme.test"}, Plan: silver,
		Credential: &people.Credential{Login: "acme", Account: "acme"}})
	if err != nil || r.After.State != ledger.Pending || len(r.Invoices) != 1 || r.Amount != 14_640 {
		t.Fatalf("AddAccount = %+v, %v", r, err)
	}
	if i := r.Invoices[0]; i.Number != 1 || !slices.Equal(i.Buyer, []string{"acme", "a@acme.test"}) || !i.Due.Equal(epoch.AddDate(0, 0, 14)) || i.State != ledger.InvoiceOpen {
		t.Errorf("invoice = %+v", i)
	}
	if r := send(t, s, "acme", 1, 1); r == nil || r.State != ledger.Pending {
		t.Errorf("Accept = %+v, want it pending", r)
	}
	c.add(24 * time.Hour)
	if r := pay(t, s, 1, 4640, "a"); r.After.State != ledger.Pending || r.After.Balance != -10_000 {
		t.Errorf("after a part = %+v", r.After)
	}
	for _, bad := range []ledger.Payment{
		{Invoice: 1, Method: "bank", Reference: "b", Amount: -1},
		{Invoice: 1, Method: "gold", Reference: "b", Amount: 1},
		{Invoice: 1, Method: "bank", Reference: " ", Amount: 1},
		{Invoice: 2, Method: "bank", Reference: "b", Amount: 1},
	} {
		if _, err := s.Orders.RecordPayment(behalf.Order{}, bad); err == nil {
			t.Errorf("RecordPayment(%+v) was taken", bad)
		}
	}
	if _, err := s.Orders.RecordPayment(behalf.Order{}, ledger.Payment{Invoice: 1, Method: "bank", Reference: "a", Amount: 4640}); !errors.Is(err, ErrExists) {
		t.Errorf("the same payment again = %v, want ErrExists", err)
	}
	r = pay(t, s, 1, 11_000, "b") // 1,000 too much
	if a := r.After; a.State != ledger.Active || a.Balance != 1000 || a.Open != "2026-11" || !a.Activated().Equal(c.now()) || a.Contracts[0].Invoice != "1" {
		t.Errorf("after the rest = %+v", a)
	}
	if _, err := s.Orders.RecordPayment(behalf.Order{}, ledger.Payment{Invoice: 1, Method: "bank", Reference: "c"}); err == nil {
		t.Error("a payment of nothing was taken")
	}
	mustSend(t, s, "acme", 1, 1)
	// What is over is used for the next invoice.
	r, err = s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 1)
	if err != nil || r.After.Balance != 1000-1220 || r.Invoices[0].Paid != 1000 || r.Invoices[0].Open() != 220 {
		t.Errorf("BuyBlock = %+v, %v", r, err)
	}
	if r := pay(t, s, 2, 0, "d"); r.After.Balance != 0 || r.Invoices[0].State != ledger.InvoicePaid {
		t.Errorf("RecordPayment of what is open = %+v", r)
	}
}

// Activated before it was paid, an order is due like anything else that was had.
func TestActivate_unpaid(t *testing.T) {
	s, c := newBooks(t)
	if _, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "acme"}, Plan: silver}); err != nil {
		t.Fatal(err)
	}
	c.add(40 * 24 * time.Hour) // nobody is held back for what was not had
	if n, err := dunNow(t.Context(), s); n != 0 || err != nil {
		t.Fatalf("DunBy = %d, %v", n, err)
	}
	if _, err := s.Orders.Activate(behalf.Order{}, "acme"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Orders.Activate(behalf.Order{}, "acme"); !errors.Is(err, orders.ErrActive) {
		t.Errorf("Activate again = %v", err)
	}
	start := c.now()
	c.add(7*24*time.Hour - time.Second)
	if n, err := dunNow(t.Context(), s); n != 0 || err != nil {
		t.Fatalf("DunBy within the grace = %d, %v", n, err)
	}
	c.add(time.Second)
	if n, err := dunNow(t.Context(), s); n != 1 || err != nil {
		t.Fatalf("DunBy = %d, %v", n, err)
	}
	r := pay(t, s, 1, 0, "a")
	if a := r.After; a.Hold != "" || len(a.Contracts) != 1 || !a.Activated().Equal(start) || r.Invoices[0].Term != a.Contracts[0].Key {
		t.Errorf("after the payment = %+v", r)
	}
	wantBook(t, s, "acme", "invoice -14640", "activated", "suspended", "payment 14640", "resumed")
}

// No period of an account shares its key with one of an earlier account of that name.
func TestAddAccount_again(t *testing.T) {
	s, c := newBooks(t)
	add := func(n orders.NewAccount) error {
		n.Account.Name = "acme"
		_, err := s.Orders.AddAccount(behalf.Order{}, n)
		return err
	}
	if add(orders.NewAccount{Plan: old}) == nil {
		t.Error("a term of a retired plan was sold")
	}
	now := c.now()
	c.set(now.AddDate(0, -2, 0))
	if err := add(orders.NewAccount{Plan: free}); err != nil {
		t.Fatal(err)
	}
	c.set(now)
	closeDue(t, s, 1)
	if a := account(t, s, "acme"); a.Open != "2026-11" || a.Contracts[0].Key != "2026-09" {
		t.Errorf("account = %+v", a)
	}
	wantBook(t, s, "acme", "activated", "closed", "closed")
	if err := s.RemoveAccount(behalf.Order{}, "acme"); err != nil {
		t.Fatal(err)
	}
	if err := add(orders.NewAccount{Plan: free}); err != nil { // in a month that was granted, and in which nothing was sent
		t.Fatal(err)
	}
	if a := account(t, s, "acme"); a.Open != "2026-11-2" {
		t.Errorf("the second account's period = %s", a.Open)
	}
}
