package store

import (
	"errors"
	"strings"
	"testing"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/orders"
)

// One currency for good.
func TestSetBilling_currency(t *testing.T) {
	s, _ := newBooks(t)
	order(t, s, "acme", silver, quota.Suspend)
	b := s.Books.Billing()
	b.Currency = "USD"
	s.Books.SetBilling(b)
	if _, err := s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 1); err == nil {
		t.Error("an invoice in another currency was issued")
	}
}

// A period is settled in the currency it was sold in, whatever the configuration
// says now, and mail goes on. What is sold anew is refused.
func TestSetBilling_currencyStopsNoMail(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", free, quota.Continue) // no invoice yet, but blocks at a price
	mustSend(t, s, "acme", 1500*mb, 1)
	b := s.Books.Billing()
	b.Currency = "USD"
	s.Books.SetBilling(b)
	if cur := s.Books.Currency(); cur != "EUR" {
		t.Errorf("the books are in %s", cur)
	}
	c.set(december)
	mustSend(t, s, "acme", 1600*mb, 1) // closes November
	c.set(december.AddDate(0, 1, 1))
	closeDue(t, s, 1)
	list, err := s.Books.InvoicesOf("acme", true)
	if err != nil || len(list) != 2 || list[0].Currency != "EUR" || list[1].Currency != "EUR" {
		t.Fatalf("invoices = %+v, %v, want two in EUR", list, err)
	}
	if _, err := s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 1); err == nil || !strings.Contains(err.Error(), "EUR") {
		t.Errorf("BuyBlock in another currency = %v", err)
	}
	for _, name := range []string{"free", "silver"} {
		p, err := s.Books.Plan(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "new"}, Plan: p}); !errors.Is(err, books.ErrCurrency) {
			t.Errorf("plan %s in another currency = %v", name, err)
		}
	}
	if _, err := s.Orders.CancelInvoice(behalf.Order{}, list[0].Number, "our fault"); err != nil { // takes EUR back
		t.Errorf("CancelInvoice = %v", err)
	}
	if _, err := s.Orders.CloseAccount(behalf.Order{}, "acme", ""); err != nil {
		t.Errorf("CloseAccount = %v", err)
	}
	err = s.Books.Ledger("acme", func(e *ledger.Entry) error {
		if e.Money != 0 && e.Currency != "EUR" {
			t.Errorf("entry %d is over %d %s", e.Seq, e.Money, e.Currency)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// As long as nothing has a price the currency can change.
func TestSetBilling_currencyOfNothing(t *testing.T) {
	s, _ := newBooks(t)
	gratis := free
	gratis.Blocks = nil
	order(t, s, "acme", gratis, quota.Suspend)
	b := s.Books.Billing()
	b.Currency = "USD"
	s.Books.SetBilling(b)
	r := order(t, s, "other", silver, quota.Suspend)
	cur := s.Books.Currency()
	if i := r.Invoices[0]; i.Currency != "USD" || cur != "USD" {
		t.Errorf("invoice in %s, books in %s", i.Currency, cur)
	}
}
