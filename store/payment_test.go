package store

import (
	"errors"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/orders"
	"relay/store/people"
)

// The same reference is the same payment however its spaces were typed.
func TestRecordPayment_reference(t *testing.T) {
	s, _ := newBooks(t)
	order(t, s, "acme", silver, quota.Suspend)
	pay(t, s, 1, 100, "CRO 0042")
	for _, ref := range []string{"CRO 0042", " CRO 0042", "CRO 0042\n", "CRO  0042", "CRO\t0042", "CRO\u00a00042"} {
		p := ledger.Payment{Invoice: 1, Method: "bank", Reference: ref, Amount: 100}
		if _, err := s.Orders.RecordPayment(behalf.Order{}, p); !errors.Is(err, ErrExists) {
			t.Errorf("RecordPayment with reference %q = %v, want ErrExists", ref, err)
		}
		if p, err := s.Books.Payment("bank", ref); err != nil || p.Reference != "CRO 0042" {
			t.Errorf("Payment with reference %q = %+v, %v", ref, p, err)
		}
	}
	for _, ref := range []string{"", " \t", "a\x00b", "a\x1bb", "a\xffb"} {
		if _, err := s.Orders.RecordPayment(behalf.Order{}, ledger.Payment{Invoice: 1, Method: "bank", Reference: ref, Amount: 100}); err == nil || errors.Is(err, ErrExists) {
			t.Errorf("RecordPayment with reference %q = %v", ref, err)
		}
	}
	pay(t, s, 1, 100, "CRO 0043")
	if _, err := s.Orders.RecordPayment(behalf.Order{}, ledger.Payment{Invoice: 1, Method: "card", Reference: "CRO 0042", Amount: 100}); err != nil {
		t.Errorf("the same reference by another method = %v", err)
	}
}

// Money that names no other invoice pays what was had before what is only ordered.
func TestRecordPayment_debtsFirst(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", silver, quota.Suspend)
	pay(t, s, 1, 0, "a")
	if _, err := s.Orders.Renew(behalf.Order{}, "acme", ""); err != nil { // invoice 2, which nobody wants any more
		t.Fatal(err)
	}
	if _, err := s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 1); err != nil { // invoice 3
		t.Fatal(err)
	}
	c.add(22 * 24 * time.Hour)
	if n, err := dunNow(t.Context(), s); n != 1 || err != nil {
		t.Fatalf("DunBy = %d, %v", n, err)
	}
	r, err := s.Orders.Correct(behalf.Order{}, "acme", orders.Correction{Money: 1220, Text: "paid in cash"})
	if err != nil || r.After.Hold != "" || r.Invoices[0].Number != 3 || r.Invoices[0].State != ledger.InvoicePaid {
		t.Errorf("Correct = %+v, %v, want the block paid and the account let go", r.Invoices, err)
	}
	if i, _ := s.Books.Invoice(2); i.Paid != 0 {
		t.Errorf("%d went to the renewal", i.Paid)
	}
	// Named, the order is paid first.
	if _, err := s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 1); err != nil {
		t.Fatal(err)
	}
	if r := pay(t, s, 2, 14_640, "b"); len(r.After.Contracts) != 2 {
		t.Errorf("terms = %+v, want the renewal that was paid", r.After.Contracts)
	}
}

// An order that nobody pays is in nobody's way.
func TestOrder_neverPaid(t *testing.T) {
	s, c := newBooks(t)
	if err := s.People.AddCustomer(people.Customer{Name: "boss"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pending", "acme"} {
		n := orders.NewAccount{Account: books.Account{Name: name, Owner: "boss"}, Plan: silver, Activate: name == "acme"}
		if _, err := s.Orders.AddAccount(behalf.Order{}, n); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Orders.Renew(behalf.Order{}, "acme", "gold"); err != nil {
		t.Fatal(err)
	}
	pay(t, s, 2, 0, "a")
	c.add(5 * 365 * 24 * time.Hour)
	if n, err := dunNow(t.Context(), s); n != 2 || err != nil { // both orders expire, and hold nobody back
		t.Errorf("DunBy = %d, %v", n, err)
	}
	for _, name := range []string{"pending", "acme"} {
		if err := s.RemoveAccount(behalf.Order{}, name); err != nil {
			t.Errorf("RemoveAccount(%s) = %v", name, err)
		}
	}
	if err := s.People.RemoveCustomer("boss"); err != nil {
		t.Errorf("RemoveCustomer = %v", err)
	}
}

// A cent too little is not paid.
func TestRecordPayment_toTheCent(t *testing.T) {
	s, _ := newBooks(t)
	if _, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "acme"}, Plan: silver}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Orders.RecordPayment(behalf.Order{}, ledger.Payment{Invoice: 1, Method: "bank", Reference: "x", Amount: orders.MostMoney + 1}); err == nil {
		t.Error("a payment that cannot be summed was taken")
	}
	if r := pay(t, s, 1, 14_639, "a"); r.After.State != ledger.Pending || r.Invoices[0].Open() != 1 || r.Invoices[0].Order == nil {
		t.Errorf("a cent too little = %+v", r)
	}
	if r := pay(t, s, 1, 1, "b"); r.After.State != ledger.Active || r.Invoices[0].State != ledger.InvoicePaid || r.Invoices[0].Order != nil {
		t.Errorf("the last cent = %+v", r)
	}
}
