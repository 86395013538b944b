package store

import (
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
)

// The operator lets an account go on in spite of an invoice: that one does not
// hold it back again, the next one does, and its payment alone lifts that.
func TestResume_inSpiteOfAnInvoice(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", silver, quota.Suspend)
	buy := func() uint64 {
		t.Helper()
		r, err := s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 1)
		if err != nil {
			t.Fatal(err)
		}
		return r.Invoices[len(r.Invoices)-1].Number
	}
	dun := func(want int) {
		t.Helper()
		if n, err := dunNow(t.Context(), s); err != nil || n != want {
			t.Fatalf("DunBy = %d, %v, want %d", n, err, want)
		}
	}
	c.add(22 * 24 * time.Hour)
	dun(1)
	if _, err := s.Orders.Resume(behalf.Order{}, "acme"); err != nil {
		t.Fatal(err)
	}
	verify(t, s)
	dun(0)
	mustSend(t, s, "acme", 1, 1)
	block := buy()
	c.add(22 * 24 * time.Hour)
	dun(1)
	if r := send(t, s, "acme", 1, 1); r == nil || r.Unpaid == nil || r.Unpaid.Number != block {
		t.Errorf("Accept = %+v, want it held back for invoice %d", r, block)
	}
	pay(t, s, block, 0, "b")
	if a := account(t, s, "acme"); a.Hold != "" {
		t.Error("it is held back for the invoice that it was resumed in spite of")
	}
	mustSend(t, s, "acme", 1, 1)
	verify(t, s)
}
