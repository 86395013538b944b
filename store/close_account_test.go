package store

import (
	"errors"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/ledger"
	"relay/store/orders"
)

// What was paid of an order that never came pays what is owed.
func TestCloseAccount_partOfAnOrder(t *testing.T) {
	s, _ := newBooks(t)
	order(t, s, "acme", free, quota.Suspend)
	if _, err := s.Orders.Renew(behalf.Order{}, "acme", "silver"); err != nil {
		t.Fatal(err)
	}
	pay(t, s, 1, 5000, "a")
	if _, err := s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 1); err != nil {
		t.Fatal(err)
	}
	r, err := s.Orders.CloseAccount(behalf.Order{}, "acme", "")
	if err != nil || r.After.Balance != 5000-1220 {
		t.Fatalf("CloseAccount = %+v, %v", r.After, err)
	}
	if i, err := s.Books.Invoice(2); err != nil || i.State != ledger.InvoicePaid {
		t.Errorf("the block = %+v, %v", i, err)
	}
}

// A term that ends in the instant it began in takes its credit with it.
func TestCloseAccount_atOnce(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", count, quota.Suspend)
	if _, err := s.Orders.TopUp(behalf.Order{}, "acme", "more"); err != nil {
		t.Fatal(err)
	}
	r, err := s.Orders.CloseAccount(behalf.Order{}, "acme", "a mistake")
	if err != nil || len(r.After.Lots) > 0 {
		t.Errorf("CloseAccount = %+v, %v", r.After, err)
	}
	for _, fn := range []func(behalf.Order, string) (orders.Receipt, error){
		s.Orders.Resume, func(o behalf.Order, name string) (orders.Receipt, error) { return s.Orders.Suspend(o, name, "") },
	} {
		if _, err := fn(behalf.Order{}, "acme"); !errors.Is(err, orders.ErrClosed) {
			t.Errorf("Suspend or Resume of a closed account = %v", err)
		}
	}
	c.add(time.Second)
	if st, err := s.Overview.Statement("acme", c.now()); err != nil || len(st.Lots) > 0 {
		t.Errorf("Statement = %+v, %v", st.Lots, err)
	}
}
