package store

import (
	"errors"
	"slices"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/orders"
)

// debts is an account with a debt by correction of 700, an order that was had (invoice
// 1, 14640) and a block (invoice 2, 1220).
func debts(t *testing.T) (*Store, *clock) {
	t.Helper()
	s, c := newBooks(t)
	order(t, s, "acme", silver, "")
	if _, err := s.Orders.Correct(behalf.Order{}, "acme", orders.Correction{Money: -700, Text: "a fee"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 1); err != nil {
		t.Fatal(err)
	}
	return s, c
}

func wantPaid(t *testing.T, s *Store, want ...int64) {
	t.Helper()
	for n, paid := range want {
		if i, err := s.Books.Invoice(uint64(n) + 1); err != nil || i.Paid != paid {
			t.Errorf("%d is paid of invoice %d, %v, want %d", i.Paid, n+1, err, paid)
		}
	}
}

// A payment pays the invoice that it names in full, whatever is owed by corrections;
// then older ones. The debt stays to be paid.
func TestRecordPayment_namedInvoiceBeforeDebt(t *testing.T) {
	s, _ := debts(t)
	if r := pay(t, s, 2, 1220, "a"); r.Debt != 700 {
		t.Errorf("debt = %d, want 700", r.Debt)
	}
	wantPaid(t, s, 0, 1220)
	if r := pay(t, s, 2, 100, "b"); r.Debt != 700 { // the rest of it pays the older one
		t.Errorf("debt = %d, want 700", r.Debt)
	}
	wantPaid(t, s, 100, 1220)
	if r := pay(t, s, 1, 14_640, "c"); r.Debt != 600 || r.After.Balance != -600 {
		t.Errorf("debt = %d, balance %d, want 600", r.Debt, r.After.Balance)
	}
}

// The debt is an open item of its own, which a payment that names the account pays.
func TestRecordPayment_onAccount(t *testing.T) {
	s, _ := debts(t)
	r, err := s.Orders.RecordPayment(behalf.Order{}, ledger.Payment{Account: "acme", Method: "bank", Reference: "a"})
	if err != nil || r.Amount != 700 || r.Debt != 0 {
		t.Errorf("RecordPayment = %d, debt %d, %v, want the 700 that are owed", r.Amount, r.Debt, err)
	}
	wantPaid(t, s, 0, 0)
	if _, err = s.Orders.RecordPayment(behalf.Order{}, ledger.Payment{Account: "acme", Method: "bank", Reference: "b"}); err == nil {
		t.Error("nothing is owed, and a payment without an amount was taken")
	}
	if _, err = s.Orders.RecordPayment(behalf.Order{}, ledger.Payment{Account: "acme", Method: "bank", Reference: "c", Amount: 200}); err != nil {
		t.Error(err)
	}
	wantPaid(t, s, 200, 0)
}

// A payment may name several invoices: they are paid in that order.
func TestRecordPayment_several(t *testing.T) {
	s, _ := debts(t)
	order(t, s, "beta", silver, "") // invoice 3
	for _, bad := range [][]uint64{{1, 1}, {2, 1}, {3}, {9}} {
		if _, err := s.Orders.RecordPayment(behalf.Order{}, ledger.Payment{Invoice: 1, Also: bad, Method: "bank", Reference: "x"}); err == nil {
			t.Errorf("invoice 1 and %v were paid", bad)
		}
	}
	r, err := s.Orders.RecordPayment(behalf.Order{}, ledger.Payment{Invoice: 2, Also: []uint64{1}, Method: "bank", Reference: "a"})
	if err != nil || r.Amount != 14_640+1220 {
		t.Errorf("RecordPayment = %d, %v, want what is open of both", r.Amount, err)
	}
	wantPaid(t, s, 14_640, 1220, 0)
	p, err := s.Books.Payment("bank", "a")
	if err != nil || p.Invoice != 2 || !slices.Equal(p.Also, []uint64{1}) {
		t.Errorf("Payment = %+v, %v", p, err)
	}
	// Taken back, both are open again, whichever of them is named.
	if r, err = s.Orders.ReversePayment(behalf.Order{}, orders.Reversal{Invoice: 1, Reference: "a", Text: "bounced"}); err != nil || r.Amount != -14_640-1220 {
		t.Errorf("ReversePayment = %d, %v", r.Amount, err)
	}
	wantPaid(t, s, 0, 0, 0)
}

// The invoice of a payment that was taken back is open again, and grace runs from then.
func TestReversePayment_opensTheInvoiceAgain(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", silver, "")
	pay(t, s, 1, 0, "TRN 1")
	c.add(60 * 24 * time.Hour) // long after it was due
	r, err := s.Orders.ReversePayment(behalf.Order{By: "op"}, orders.Reversal{Invoice: 1, Reference: " TRN  1", Text: "bounced"})
	if err != nil || r.After.Status() != ledger.Active || r.After.Balance != -14_640 {
		t.Fatalf("ReversePayment = %+v, %v", r.After, err)
	}
	i, _ := s.Books.Invoice(1)
	if i.State != ledger.InvoiceOpen || i.Paid != 0 || i.Order != nil || !i.Suspends.Equal(c.now().AddDate(0, 0, 7)) {
		t.Errorf("the invoice is %s with %d paid, suspends %v", i.State, i.Paid, i.Suspends)
	}
	if p, _ := s.Books.Payment("bank", "TRN 1"); p.Reversed == 0 {
		t.Error("the payment does not say that it was taken back")
	}
	if _, err := s.Orders.ReversePayment(behalf.Order{}, orders.Reversal{Invoice: 1, Reference: "TRN 1", Text: "again"}); !errors.Is(err, orders.ErrReversed) {
		t.Errorf("the second time: %v, want ErrReversed", err)
	}
	verify(t, s)
	c.add(6 * 24 * time.Hour)
	if n, err := dunNow(t.Context(), s); n != 0 || err != nil {
		t.Errorf("within the days of grace %d are held back, %v", n, err)
	}
	c.add(24 * time.Hour)
	if n, err := dunNow(t.Context(), s); n != 1 || err != nil || account(t, s, "acme").Hold != books.HoldUnpaid {
		t.Errorf("after them %d are held back, %v", n, err)
	}
	if r := pay(t, s, 1, 0, "TRN 2"); r.After.Hold != "" || r.After.Balance != 0 {
		t.Errorf("paid again: %+v", r.After)
	}
	wantBook(t, s, "acme", "invoice -14640", "activated", "payment 14640", "closed", "closed", "reversal -14640", "suspended", "payment 14640", "resumed")
}

// A payment that named the account, and no invoice, is taken back likewise: what it paid
// is open again. Another account's invoice does not find it.
func TestReversePayment_onAccount(t *testing.T) {
	s, _ := debts(t)
	order(t, s, "beta", silver, "") // invoice 3
	if _, err := s.Orders.RecordPayment(behalf.Order{}, ledger.Payment{Account: "acme", Method: "bank", Reference: "a", Amount: 700 + 14_640}); err != nil {
		t.Fatal(err)
	}
	wantPaid(t, s, 14_640, 0)
	if _, err := s.Orders.ReversePayment(behalf.Order{}, orders.Reversal{Invoice: 3, Reference: "a", Text: "bounced"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("by an invoice of another account: %v, want ErrNotFound", err)
	}
	r, err := s.Orders.ReversePayment(behalf.Order{}, orders.Reversal{Invoice: 1, Reference: "a", Text: "bounced"})
	if err != nil || r.Debt != 700 || r.Amount != -15_340 || r.After.Balance != -14_640-1220-700 {
		t.Errorf("ReversePayment = %d, debt %d, %+v, %v", r.Amount, r.Debt, r.After, err)
	}
	wantPaid(t, s, 0, 0)
	if _, err := s.Orders.ReversePayment(behalf.Order{}, orders.Reversal{Invoice: 2, Reference: "a", Text: "again"}); !errors.Is(err, orders.ErrReversed) {
		t.Errorf("the second time: %v, want ErrReversed", err)
	}
	verify(t, s)
}

// Suspended at once where the operator says so; what cannot be is told.
func TestReversePayment_suspend(t *testing.T) {
	s, _ := newBooks(t)
	order(t, s, "acme", silver, "")
	pay(t, s, 1, 100, "a")
	if _, err := s.Orders.RecordPayment(behalf.Order{}, ledger.Payment{Invoice: 1, Method: "card", Reference: "a", Amount: 200}); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []struct {
		r    orders.Reversal
		want error
	}{
		{orders.Reversal{Invoice: 1, Reference: "a", Text: "why"}, orders.ErrSeveral},
		{orders.Reversal{Invoice: 1, Reference: "b", Text: "why"}, ErrNotFound},
		{orders.Reversal{Invoice: 1, Reference: "a", Method: "paypal", Text: "why"}, ErrNotFound},
		{orders.Reversal{Invoice: 2, Reference: "a", Text: "why"}, ErrNotFound},
	} {
		if _, err := s.Orders.ReversePayment(behalf.Order{}, bad.r); !errors.Is(err, bad.want) {
			t.Errorf("ReversePayment(%+v) = %v, want %v", bad.r, err, bad.want)
		}
	}
	if _, err := s.Orders.ReversePayment(behalf.Order{}, orders.Reversal{Invoice: 1, Reference: "a", Method: "card", Text: " "}); err == nil {
		t.Error("a reversal without a reason was taken")
	}
	r, err := s.Orders.ReversePayment(behalf.Order{}, orders.Reversal{Invoice: 1, Reference: "a", Method: "card", Text: "fraud", Suspend: true})
	if err != nil || r.After.Status() != ledger.Suspended || r.After.Hold != books.HoldUnpaid {
		t.Errorf("ReversePayment = %+v, %v, want it suspended", r.After, err)
	}
	wantPaid(t, s, 100)
	if r := pay(t, s, 1, 0, "c"); r.After.Status() != ledger.Active {
		t.Errorf("paid, it is %s", r.After.Status())
	}
}

// What was paid back before it was taken back too is a debt.
func TestReversePayment_afterRefund(t *testing.T) {
	s, _ := newBooks(t)
	order(t, s, "acme", silver, "")
	pay(t, s, 1, 0, "a")
	if _, err := s.Orders.Refund(behalf.Order{}, "acme"); err != nil {
		t.Fatal(err)
	}
	r, err := s.Orders.ReversePayment(behalf.Order{}, orders.Reversal{Invoice: 1, Reference: "a", Text: "charged back", Suspend: true})
	if err != nil || r.After.Balance != -14_640 || r.Debt != 14_640 || r.After.Hold != "" {
		t.Errorf("ReversePayment = %+v, debt %d, %v", r.After, r.Debt, err)
	}
}

// The customer's free money goes first: what it paid besides stays paid.
func TestReversePayment_freeMoneyFirst(t *testing.T) {
	s, _ := newBooks(t)
	order(t, s, "acme", silver, "")
	pay(t, s, 1, 0, "a")
	pay(t, s, 1, 14_640, "twice")
	r, err := s.Orders.ReversePayment(behalf.Order{}, orders.Reversal{Invoice: 1, Reference: "a", Text: "a mistake", Suspend: true})
	if err != nil || r.After.Balance != 0 || r.After.Hold != "" {
		t.Errorf("ReversePayment = %+v, %v, want the invoice paid by the other payment", r.After, err)
	}
	wantPaid(t, s, 14_640)
}

// Money that the operator sent back by hand is among the payments.
func TestCorrect_paidBackByHand(t *testing.T) {
	s, _ := newBooks(t)
	order(t, s, "acme", silver, "")
	pay(t, s, 1, 15_000, "a") // 360 too much
	var no *orders.NotFree
	if _, err := s.Orders.Correct(behalf.Order{}, "acme", orders.Correction{Money: -361, Text: "sent", PaidBack: true}); !errors.As(err, &no) || no.Free != 360 {
		t.Errorf("more than is free: %v", err)
	}
	if _, err := s.Orders.Correct(behalf.Order{}, "acme", orders.Correction{Money: 1, Text: "sent", PaidBack: true}); err == nil {
		t.Error("a credit was paid back")
	}
	r, err := s.Orders.Correct(behalf.Order{By: "op"}, "acme", orders.Correction{Money: -160, Text: "sent", PaidBack: true})
	if err != nil || r.After.Balance != 200 {
		t.Fatalf("Correct = %+v, %v", r.After, err)
	}
	if _, err := s.Orders.CloseAccount(behalf.Order{}, "acme", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Orders.Correct(behalf.Order{}, "acme", orders.Correction{Money: -200, Text: "the rest"}); err != nil { // closed: it cannot be anything else
		t.Fatal(err)
	}
	var list []string
	if err := s.Books.Payments(func(p *ledger.Payment) error {
		if p.Method == ledger.PaidBack {
			list = append(list, p.Text)
		}
		return nil
	}); err != nil || !slices.Equal(list, []string{"sent", "the rest"}) {
		t.Errorf("paid back = %q, %v", list, err)
	}
}

// Only what came in by payments is paid back, less what is owed: goodwill ends with
// the account.
func TestRefund_neverGoodwill(t *testing.T) {
	for _, c := range []struct {
		name            string
		credit, paid    int64 // before
		debt            int64
		amount, balance int64
	}{
		{"part of it by goodwill", 2000, 12_640, 0, 12_640, 0},
		{"all by goodwill", 14_640, 0, 0, 0, 0},
		{"goodwill that is left", 3000, 14_640, 0, 14_640, 0},
		{"less a debt", 0, 14_640, 700, 13_940, 0},
		{"goodwill and a debt", 1000, 13_640, 700, 12_940, 0},
		{"paid too much", 0, 15_000, 0, 15_000, 0},
		{"a debt over all", 0, 14_640, 20_000, 0, -5360},
	} {
		s, _ := newBooks(t)
		order(t, s, "acme", silver, "")
		correct := func(n int64) {
			if n == 0 {
				return
			}
			if _, err := s.Orders.Correct(behalf.Order{}, "acme", orders.Correction{Money: n, Text: "x"}); err != nil {
				t.Fatal(err)
			}
		}
		correct(c.credit)
		if c.paid > 0 {
			pay(t, s, 1, c.paid, "a")
		}
		correct(-c.debt)
		r, err := s.Orders.Refund(behalf.Order{}, "acme")
		if err != nil || r.Amount != c.amount || r.After.Balance != c.balance || r.After.State != ledger.Closed {
			t.Errorf("%s: Refund = %d, %v, balance %d, want %d and %d; %+v", c.name, r.Amount, err, r.After.Balance, c.amount, c.balance, r.Lines)
		}
		var sum int64
		for _, l := range r.Lines[:len(r.Lines)-1] {
			sum += l.Amount
		}
		if sum != c.amount && c.balance == 0 {
			t.Errorf("%s: the figures sum up to %d: %+v", c.name, sum, r.Lines)
		}
	}
}

// Of a renewal that has not begun only money that came in for it is paid back.
func TestRefund_giveBackNeverGoodwill(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", silver, "")
	pay(t, s, 1, 0, "a")
	if _, err := s.Orders.Renew(behalf.Order{}, "acme", ""); err != nil {
		t.Fatal(err)
	}
	c.add(40 * 24 * time.Hour)
	if _, err := s.Orders.Correct(behalf.Order{}, "acme", orders.Correction{Money: 4640, Text: "sorry"}); err != nil {
		t.Fatal(err)
	}
	pay(t, s, 2, 0, "b")
	if _, err := s.Orders.Correct(behalf.Order{}, "acme", orders.Correction{Money: -300, Text: "a fee"}); err != nil {
		t.Fatal(err)
	}
	r, err := s.Orders.Refund(behalf.Order{}, "acme")
	if err != nil || r.Amount != 9700 || r.After.Balance != 4640 || r.After.State != ledger.Active {
		t.Errorf("Refund = %d, balance %d, %v, want the 10000 that were paid less the fee, and the rest kept; %+v", r.Amount, r.After.Balance, err, r.Lines)
	}
}

// A credit by hand does not undo that there was overage (M20).
func TestRefund_creditDoesNotUndoOverage(t *testing.T) {
	s, _ := newBooks(t)
	order(t, s, "acme", silver, quota.Continue)
	pay(t, s, 1, 0, "a")
	mustSend(t, s, "acme", gb+gb/2, 1)
	if _, err := s.Orders.Correct(behalf.Order{}, "acme", orders.Correction{Units: gb, Text: "sorry"}); err != nil {
		t.Fatal(err)
	}
	_, err := s.Orders.Refund(behalf.Order{}, "acme")
	if no := (*quota.Refusal)(nil); !errors.As(err, &no) || !no.For(quota.WhyOverage) {
		t.Errorf("Refund after overage that was credited = %v, want it refused", err)
	}
}

// What the account has in its balance besides stays there: only the terms that have not
// begun are paid back.
func TestRefund_giveBackLeavesTheBalance(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", silver, "")
	pay(t, s, 1, 0, "a")
	if _, err := s.Orders.Renew(behalf.Order{}, "acme", ""); err != nil {
		t.Fatal(err)
	}
	pay(t, s, 2, 19_640, "b") // 5,000 more than it costs
	c.add(40 * 24 * time.Hour)
	r, err := s.Orders.Refund(behalf.Order{}, "acme")
	if err != nil {
		t.Fatal(err)
	}
	if r.Amount != 14_640 || r.After.Balance != 5000 {
		t.Errorf("Refund = %d, %+v, balance %d, want 14640 back and 5000 left", r.Amount, r.Lines, r.After.Balance)
	}
	verify(t, s)
}
