package store

import (
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
)

func TestDun_suspendsAndPaymentResumes(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", free, quota.Continue)
	mustSend(t, s, "acme", 1500*mb, 1)
	c.set(december)
	closeDue(t, s, 1)
	if _, err := s.Orders.Renew(behalf.Order{}, "acme", "gold"); err != nil { // an order that is not paid holds nobody back
		t.Fatal(err)
	}
	dun := func(want int) {
		t.Helper()
		if n, err := dunNow(t.Context(), s); err != nil || n != want {
			t.Fatalf("DunBy = %d, %v, want %d", n, err, want)
		}
	}
	c.add((14+7)*24*time.Hour - time.Second)
	dun(0)
	mustSend(t, s, "acme", 1, 1)
	c.add(time.Second)
	dun(1)
	dun(0)
	if r := send(t, s, "acme", 1, 1); r == nil || r.State != ledger.Suspended || r.Hold != books.HoldUnpaid {
		t.Errorf("Accept = %+v, want it held back", r)
	}
	pay(t, s, 1, 1000, "part")
	if a := account(t, s, "acme"); a.Hold == "" || a.Status() != ledger.Suspended {
		t.Errorf("after a part = %+v", a)
	}
	pay(t, s, 1, 220, "rest")
	mustSend(t, s, "acme", 1, 1)
	wantBook(t, s, "acme", "activated", "overage 500000000", "credit 500000000", "closed", "invoice -1220", "invoice -43920",
		"suspended", "payment 1000", "payment 220", "resumed")
	// Suspended by the operator, payment does not resume it.
	if _, err := s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Orders.Suspend(behalf.Order{}, "acme", "spam"); err != nil {
		t.Fatal(err)
	}
	c.add(22 * 24 * time.Hour)
	dun(1)
	pay(t, s, 3, 1220, "block")
	if a := account(t, s, "acme"); a.Hold != "" || a.State != ledger.Suspended {
		t.Errorf("account = %+v", a)
	}
	if r, err := s.Orders.Resume(behalf.Order{}, "acme"); err != nil || r.After.Status() != ledger.Active {
		t.Errorf("Resume = %+v, %v", r, err)
	}
}

// Held back for two invoices an account goes on when both are paid.
func TestDun_twoInvoices(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", silver, quota.Suspend)
	if _, err := s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 1); err != nil {
		t.Fatal(err)
	}
	c.add(21*24*time.Hour - time.Second)
	if n, err := dunNow(t.Context(), s); n != 0 || err != nil {
		t.Fatalf("DunBy within the grace = %d, %v", n, err)
	}
	c.add(time.Second)
	if n, err := dunNow(t.Context(), s); n != 2 || err != nil {
		t.Fatalf("DunBy = %d, %v", n, err)
	}
	if r := pay(t, s, 2, 0, "a"); r.After.Hold == "" {
		t.Error("it goes on with an invoice unpaid")
	}
	pay(t, s, 1, 0, "b")
	wantBook(t, s, "acme", "invoice -14640", "activated", "topup 1000000000", "invoice -1220", "closed", "suspended", "payment 1220", "payment 14640", "resumed")
}
