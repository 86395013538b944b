package store

import (
	"errors"
	"maps"
	"testing"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/orders"
)

// What was paid of an order that is taken back stays with the customer.
func TestCancelInvoice(t *testing.T) {
	s, _ := newBooks(t)
	order(t, s, "acme", free, quota.Suspend)
	if _, err := s.Orders.Renew(behalf.Order{}, "acme", "silver"); err != nil {
		t.Fatal(err)
	}
	pay(t, s, 1, 5000, "part")
	r, err := s.Orders.CancelInvoice(behalf.Order{}, 1, "mistake")
	if err != nil || r.After.Balance != 5000 || r.Invoices[0].State != ledger.InvoiceCancelled || r.Invoices[1].Total != -14_640 {
		t.Fatalf("CancelInvoice = %+v, %v", r, err)
	}
	if _, err := s.Orders.CancelInvoice(behalf.Order{}, 1, "mistake"); err == nil {
		t.Error("an invoice was cancelled twice")
	}
	if _, err := s.Orders.RecordPayment(behalf.Order{}, ledger.Payment{Invoice: 2, Method: "bank", Reference: "note", Amount: 1}); err == nil {
		t.Error("a credit note was paid")
	}
	if r, err = s.Orders.Refund(behalf.Order{}, "acme"); err != nil || r.Amount != 5000 || r.After.Balance != 0 {
		t.Errorf("Refund = %+v, %v", r, err)
	}
}

// Without its invoice a pending account would wait for nothing: both end together.
func TestCancelInvoice_theOrderOfAnAccount(t *testing.T) {
	s, _ := newBooks(t)
	if _, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "acme"}, Plan: silver}); err != nil {
		t.Fatal(err)
	}
	pay(t, s, 1, 5000, "part")
	was := dump(t, s)
	_, err := s.Orders.CancelInvoice(behalf.Order{}, 1, "mistake")
	if no := (*quota.Refusal)(nil); !errors.As(err, &no) || !no.For(quota.WhyOrdered) || no.Reasons[0].Invoice != "1" || no.Reasons[0].Account != "acme" {
		t.Errorf("CancelInvoice = %v", err)
	}
	if !maps.Equal(was, dump(t, s)) {
		t.Error("a refusal changed the file")
	}
	r, err := s.Orders.CloseAccount(behalf.Order{}, "acme", "")
	if err != nil || r.After.State != ledger.Closed || r.After.Balance != 5000 || papers(t, s, "acme") != "order cancelled, credit-note paid" {
		t.Errorf("CloseAccount = %+v, %v, invoices %s", r.After, err, papers(t, s, "acme"))
	}
}
