package store

import (
	"errors"
	"fmt"
	"testing"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/ledger"
)

// A balance never wraps: what cannot be counted is refused, in a dry run too, and
// changes nothing.
func TestBalance_neverWraps(t *testing.T) {
	s, _ := newBooks(t)
	order(t, s, "acme", free, "")
	order(t, s, "beta", silver, "") // invoice 1
	refused := func(what string, fn func(behalf.Order) (Receipt, error)) {
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
	correct := func(n int64) func(behalf.Order) (Receipt, error) {
		return func(o behalf.Order) (Receipt, error) { return s.Correct(o, "acme", Correction{Money: n, Text: "x"}) }
	}
	for _, n := range []int64{mostMoney, -mostMoney, -mostMoney} {
		if _, err := correct(n)(behalf.Order{}); err != nil {
			t.Fatal(err)
		}
	}
	refused("one cent more against it", correct(-1))
	refused("all that may be entered", correct(-mostMoney))
	for _, n := range []int64{mostMoney, mostMoney} { // back, and up
		if _, err := correct(n)(behalf.Order{}); err != nil {
			t.Fatal(err)
		}
	}
	refused("one cent more for it", correct(1))
	pay(t, s, 1, mostMoney, "a")
	refused("a payment", func(o behalf.Order) (Receipt, error) {
		return s.RecordPayment(o, ledger.Payment{Invoice: 1, Method: "bank", Reference: fmt.Sprint("b", o.DryRun), Amount: mostMoney})
	})
	verify(t, s)
}

// Prices of which a few cannot be counted are refused, not wrapped.
func TestOrder_pricesThatCannotBeCounted(t *testing.T) {
	s, _ := newBooks(t)
	dear := silver
	dear.Name, dear.Price = "dear", mostMoney
	if _, err := s.AddAccount(behalf.Order{}, NewAccount{Account: Account{Name: "x"}, Plan: dear}); !errors.Is(err, quota.ErrOverflow) {
		t.Errorf("AddAccount with 22 %% on all that can be counted = %v", err)
	}
	if _, err := s.Account("x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("the account: %v", err)
	}
	dear = free
	dear.Name, dear.Blocks = "blocks", []quota.Block{{Bytes: gb, Price: mostMoney / 2}}
	order(t, s, "y", dear, "")
	for _, n := range []int64{2, 1 << 20, 1 << 40} {
		if _, err := s.BuyBlock(behalf.Order{}, "y", gb, n); !errors.Is(err, quota.ErrOverflow) {
			t.Errorf("BuyBlock(%d) = %v", n, err)
		}
	}
}
