package store

import (
	"errors"
	"fmt"
	"testing"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/orders"
)

// A balance never wraps: what cannot be counted is refused, in a dry run too, and
// changes nothing.
func TestBalance_neverWraps(t *testing.T) {
	s, _ := newBooks(t)
	order(t, s, "acme", free, "")
	order(t, s, "beta", silver, "") // invoice 1
	refused := func(what string, fn func(behalf.Order) (orders.Receipt, error)) {
		t.Helper()
		was := dump(t, s)
		for _, dry := range []bool{true, false} {
			if r, err := fn(behalf.Order{DryRun: dry}); !errors.Is(err, quota.ErrOverflow) {
				t.Errorf("%s, dry %v: balance %d, %v, want that it cannot be counted", what, dry, r.After.Balance, err)
			}
		}
		if len(dump(t, s)) != len(was) {
			t.Errorf("%s left something behind", what)
		}
	}
	correct := func(n int64) func(behalf.Order) (orders.Receipt, error) {
		return func(o behalf.Order) (orders.Receipt, error) {
			return s.Orders.Correct(o, "acme", orders.Correction{Money: n, Text: "x"})
		}
	}
	for _, n := range []int64{orders.MostMoney, -orders.MostMoney, -orders.MostMoney} {
		if _, err := correct(n)(behalf.Order{}); err != nil {
			t.Fatal(err)
		}
	}
	refused("one cent more against it", correct(-1))
	refused("all that may be entered", correct(-orders.MostMoney))
	for _, n := range []int64{orders.MostMoney, orders.MostMoney} { // back, and up
		if _, err := correct(n)(behalf.Order{}); err != nil {
			t.Fatal(err)
		}
	}
	refused("one cent more for it", correct(1))
	pay(t, s, 1, orders.MostMoney, "a")
	refused("a payment", func(o behalf.Order) (orders.Receipt, error) {
		return s.Orders.RecordPayment(o, ledger.Payment{Invoice: 1, Method: "bank", Reference: fmt.Sprint("b", o.DryRun), Amount: orders.MostMoney})
	})
	verify(t, s)
}

// Prices of which a few cannot be counted are refused, not wrapped.
func TestOrder_pricesThatCannotBeCounted(t *testing.T) {
	s, _ := newBooks(t)
	dear := silver
	dear.Name, dear.Price = "dear", orders.MostMoney
	if _, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "x"}, Plan: dear}); !errors.Is(err, quota.ErrOverflow) {
		t.Errorf("AddAccount with 22 %% on all that can be counted = %v", err)
	}
	if _, err := s.Books.Account("x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("the account: %v", err)
	}
	dear = free
	dear.Name, dear.Blocks = "blocks", []quota.Block{{Bytes: gb, Price: orders.MostMoney / 2}}
	order(t, s, "y", dear, "")
	for _, n := range []int64{2, 1 << 20, 1 << 40} {
		if _, err := s.Orders.BuyBlock(behalf.Order{}, "y", gb, n); !errors.Is(err, quota.ErrOverflow) {
			t.Errorf("BuyBlock(%d) = %v", n, err)
		}
	}
}
