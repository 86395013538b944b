package store

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/ledger"
	"relay/store/orders"
)

// What was bought and not used goes with the invoice that is taken back; what was
// used stays explained as drawn.
func TestCancelInvoice_credit(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", count, quota.Suspend)
	pay(t, s, 1, 0, "a")
	for range 2 {
		if _, err := s.Orders.TopUp(behalf.Order{}, "acme", "more"); err != nil { // invoices 2 and 3
			t.Fatal(err)
		}
		c.add(time.Minute)
	}
	for range 11 {
		mustSend(t, s, "acme", 100, 5000) // 5,000 of the first top-up
	}
	r, err := s.Orders.CancelInvoice(behalf.Order{By: "op"}, 3, "ordered twice")
	if err != nil || quota.Sum(r.After.Lots) != 9000 {
		t.Fatalf("CancelInvoice = %+v, %v, want the second top-up gone", r.After.Lots, err)
	}
	if r, err = s.Orders.CancelInvoice(behalf.Order{By: "op"}, 2, "a gift"); err != nil || quota.Sum(r.After.Lots) != 5000 {
		t.Fatalf("CancelInvoice = %+v, %v, want only what was used left", r.After.Lots, err)
	}
	if r := send(t, s, "acme", 100, 1); r == nil || r.Exceeded == nil {
		t.Errorf("with credit that was taken back = %+v", r)
	}
	verify(t, s)
	c.set(december)
	closeDue(t, s, 1)
	wantBook(t, s, "acme", "invoice -10980", "activated", "payment 10980", "topup 9000", "invoice -854", "topup 9000", "invoice -854",
		"credit-note 854", "correction -9000", "credit-note 854", "correction -4000", "draw -5000", "closed")
	if a := account(t, s, "acme"); a.Lots != nil || a.Balance != 0 {
		t.Errorf("account = %+v", a)
	}
}

// The credit that blocks for overage left goes with their invoice too.
func TestCancelInvoice_overage(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", free, quota.Continue)
	mustSend(t, s, "acme", 1500*mb, 1)
	c.set(december)
	closeDue(t, s, 1)
	mustSend(t, s, "acme", 1200*mb, 1) // 200 MB of it
	r, err := s.Orders.CancelInvoice(behalf.Order{}, 1, "our fault")
	if err != nil || quota.Sum(r.After.Lots) != 200*mb || r.After.Balance != 0 {
		t.Errorf("CancelInvoice = %+v, %v", r.After, err)
	}
	wantBook(t, s, "acme", "activated", "overage 500000000", "credit 500000000", "closed", "invoice -1220", "credit-note 1220", "correction -300000000")
}

// What nobody paid is not paid back: it is cancelled, and its credit note says so.
func TestRefund_whatWasNotPaid(t *testing.T) {
	s, _ := newBooks(t)
	r := order(t, s, "acme", silver, quota.Suspend)
	pay(t, s, r.Invoices[0].Number, 0, "a")
	if _, err := s.Orders.Renew(behalf.Order{}, "acme", ""); err != nil { // waits
		t.Fatal(err)
	}
	if _, err := s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 1); err != nil { // had, and open
		t.Fatal(err)
	}
	r, err := s.Orders.Refund(behalf.Order{}, "acme")
	if err != nil || r.Amount != 14_640 || r.After.Balance != 0 {
		t.Fatalf("Refund = %+v, %v", r.Lines, err)
	}
	for _, l := range r.Lines {
		if l.Invoice == "2" || l.Invoice == "3" {
			t.Errorf("the receipt has %+v", l)
		}
	}
	if got, want := papers(t, s, "acme"), "order refunded, renewal cancelled, block cancelled, credit-note paid, credit-note paid, credit-note paid"; got != want {
		t.Errorf("invoices = %s, want %s", got, want)
	}
	list, _ := s.Books.InvoicesOf("acme", false)
	for _, i := range list[3:] {
		want := string(ledger.CauseUnpaid)
		if i.About == 1 {
			want = "" // what was paid is paid back
		}
		if i.Reason != want {
			t.Errorf("the credit note of invoice %d says %q, want %q", i.About, i.Reason, want)
		}
	}
}

// Day 30 is the last one by the calendar of the zone, unless 30 times 24 hours last
// longer.
func TestRefund_lastDay(t *testing.T) {
	for name, x := range map[string]struct{ from, last time.Time }{
		"an hour comes twice": {time.Date(2027, 10, 10, 0, 30, 0, 0, time.UTC), time.Date(2027, 11, 8, 23, 59, 59, 0, time.UTC)},
		"an hour is left out": {time.Date(2027, 3, 1, 23, 30, 0, 0, time.UTC), time.Date(2027, 4, 1, 0, 29, 59, 0, time.UTC)},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := newBooks(t)
			wall := func(t time.Time) time.Time {
				return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, s.Zone())
			}
			c.set(wall(x.from))
			for _, name := range []string{"a", "b"} {
				r := order(t, s, name, silver, quota.Suspend)
				pay(t, s, r.Invoices[0].Number, 0, name)
			}
			c.set(wall(x.last))
			if _, err := s.Orders.Refund(behalf.Order{}, "a"); err != nil {
				t.Errorf("in the last second: %v", err)
			}
			c.add(time.Second)
			if _, err := s.Orders.Refund(behalf.Order{}, "b"); err == nil {
				t.Error("after the last second it was paid back")
			}
		})
	}
}

// renewed is an account whose renewal is paid: 146.40 each.
func renewed(t testing.TB, s *Store) {
	t.Helper()
	order(t, s, "acme", silver, quota.Suspend)
	pay(t, s, 1, 0, "a")
	if _, err := s.Orders.Renew(behalf.Order{}, "acme", ""); err != nil {
		t.Fatal(err)
	}
	pay(t, s, 2, 0, "b")
}

// A term that was paid and has not begun can always be given back; the present one
// then goes on.
func TestRefund_whatHasNotBegun(t *testing.T) {
	s, c := newBooks(t)
	renewed(t, s)
	c.add(40 * 24 * time.Hour)
	dry, err := s.Orders.Refund(behalf.Order{DryRun: true}, "acme")
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Orders.Refund(behalf.Order{}, "acme")
	want := []ledger.Line{{Kind: ledger.LinePaid, Amount: 14_640, Invoice: "2"}, {Kind: ledger.LineBackNext, Amount: 14_640},
		{Kind: ledger.LineStays, Order: "refund", Reason: &quota.Reason{Why: quota.WhyLate, Day: 41, Last: 30}}}
	if err != nil || !reflect.DeepEqual(dry.Lines, want) || !reflect.DeepEqual(r.Lines, want) || r.Amount != 14_640 {
		t.Fatalf("Refund = %+v, %d, %v, dry run %+v, want %+v", r.Lines, r.Amount, err, dry.Lines, want)
	}
	if a := r.After; a.State != ledger.Active || a.Balance != 0 || len(a.Contracts) != 1 || papers(t, s, "acme") != "order paid, renewal refunded, credit-note paid" {
		t.Errorf("account = %+v, invoices %s", a, papers(t, s, "acme"))
	}
	mustSend(t, s, "acme", 1, 1)
	if _, err := s.Orders.Refund(behalf.Order{}, "acme"); err == nil {
		t.Error("the present term was paid back on day 41")
	}
	verify(t, s)
	if r, err = s.Orders.Renew(behalf.Order{}, "acme", ""); err != nil { // and can be bought again
		t.Fatal(err)
	}
	pay(t, s, r.Invoices[0].Number, 0, "c")
	a := account(t, s, "acme")
	c.set(a.TermEnd().Add(-time.Hour))
	mustSend(t, s, "acme", 733_333_334, 1) // 22 of 30 days, rounded up
}

// Closing does not keep what was paid for terms that have not begun.
func TestCloseAccount_whatHasNotBegun(t *testing.T) {
	s, c := newBooks(t)
	renewed(t, s)
	c.add(40 * 24 * time.Hour)
	if err := s.RemoveAccount(behalf.Order{}, "acme"); !errors.Is(err, orders.ErrOwing) {
		t.Errorf("RemoveAccount with a term that is paid and has not begun = %v", err)
	}
	r, err := s.Orders.CloseAccount(behalf.Order{}, "acme", "")
	if err != nil || r.After.Balance != 14_640 || papers(t, s, "acme") != "order paid, renewal refunded, credit-note paid" {
		t.Fatalf("CloseAccount = %+v, %v, invoices %s", r.After, err, papers(t, s, "acme"))
	}
	if want := []ledger.Line{{Kind: ledger.LineNotBegun, Amount: 14_640, Invoice: "2"}}; !reflect.DeepEqual(r.Lines, want) {
		t.Errorf("lines = %+v, want %+v", r.Lines, want)
	}
	if err := s.RemoveAccount(behalf.Order{}, "acme"); !errors.Is(err, orders.ErrOwing) {
		t.Errorf("RemoveAccount while it has money with us = %v", err)
	}
	if _, err := s.Orders.Correct(behalf.Order{}, "acme", orders.Correction{Money: -14_640, Text: "sent back"}); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveAccount(behalf.Order{}, "acme"); err != nil {
		t.Error(err)
	}
}

// Overage that an upgrade, a block or another plan has met since was overage.
func TestRefund_overageThatWasMet(t *testing.T) {
	huge := free
	huge.Bandwidth = 9 * gb
	for name, x := range map[string]struct {
		plan quota.Plan
		met  func(*Store) error
	}{
		"upgrade": {silver, func(s *Store) error { _, err := s.Orders.Upgrade(behalf.Order{}, "acme", "gold"); return err }},
		"block":   {silver, func(s *Store) error { _, err := s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 1); return err }},
		"set plan": {free, func(s *Store) error {
			_, err := s.Orders.ChangeAccount(behalf.Order{}, "acme", change(orders.Change{Plan: &huge}))
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := newBooks(t)
			for _, name := range []string{"acme", "none"} {
				order(t, s, name, x.plan, quota.Continue)
				mustSend(t, s, name, gb, 1)
			}
			mustSend(t, s, "acme", 300*mb, 1)
			if err := x.met(s); err != nil {
				t.Fatal(err)
			}
			for _, when := range []time.Time{c.now(), december.Add(time.Hour)} {
				c.set(when)
				_, err := s.Orders.Refund(behalf.Order{}, "acme")
				if no := (*quota.Refusal)(nil); !errors.As(err, &no) || !no.For(quota.WhyOverage) {
					t.Errorf("Refund at %v = %v, want it refused for overage", when, err)
				}
			}
			if _, err := s.Orders.Refund(behalf.Order{}, "none"); err != nil {
				t.Errorf("without overage: %v", err)
			}
		})
	}
}

func TestRefund(t *testing.T) {
	s, c := newBooks(t)
	r := order(t, s, "acme", silver, quota.Continue)
	pay(t, s, r.Invoices[0].Number, 15_000, "a")
	if _, err := s.Orders.Upgrade(behalf.Order{}, "acme", "gold"); err != nil {
		t.Fatal(err)
	}
	up, _ := s.Books.InvoicesOf("acme", true)
	pay(t, s, up[0].Number, 0, "b")
	if _, err := s.Orders.ChangeAccount(behalf.Order{}, "acme", change(orders.Change{Abuse: new("spam")})); err != nil {
		t.Fatal(err)
	}
	c.add(30 * 24 * time.Hour) // day 31
	r, err := s.Orders.Refund(behalf.Order{}, "acme")
	no, ok := errors.AsType[*quota.Refusal](err)
	paid := int64(14_640) + up[0].Total
	if !ok || !no.For(quota.WhyLate) || !no.For(quota.WhyAbuse) || no.For(quota.WhyOverage) || r.Amount != paid {
		t.Fatalf("Refund = %+v, %v, want it refused, naming %d", r.Lines, err, paid)
	}
	c.add(-24 * time.Hour) // day 30
	if _, err := s.Orders.ChangeAccount(behalf.Order{}, "acme", change(orders.Change{Abuse: new("")})); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Orders.Renew(behalf.Order{}, "acme", ""); err != nil { // never paid
		t.Fatal(err)
	}
	r, err = s.Orders.Refund(behalf.Order{}, "acme")
	if err != nil || r.Amount != paid || r.After.Balance != 0 || r.After.State != ledger.Closed || r.After.Open != "" {
		t.Fatalf("Refund = %+v, %v", r, err)
	}
	list, _ := s.Books.InvoicesOf("acme", false)
	states := make([]string, len(list))
	for i := range list {
		states[i] = fmt.Sprintf("%s %s %d", list[i].Kind, list[i].State, list[i].About)
	}
	want := []string{"order refunded 0", "upgrade refunded 0", "renewal cancelled 0", "credit-note paid 1", "credit-note paid 2", "credit-note paid 3"}
	if !slices.Equal(states, want) {
		t.Errorf("invoices = %q, want %q", states, want)
	}
	if r := send(t, s, "acme", 1, 1); r == nil || r.State != ledger.Closed {
		t.Errorf("Accept = %+v, want it closed", r)
	}
	if _, err := s.Orders.Refund(behalf.Order{}, "acme"); !errors.Is(err, orders.ErrClosed) {
		t.Errorf("Refund again = %v", err)
	}
	out := map[string]int64{}
	if err := s.Books.Payments(func(p *ledger.Payment) error { out[p.Method+" "+p.Reference] = p.Amount; return nil }); err != nil {
		t.Fatal(err)
	}
	var sum int64
	for _, n := range out {
		sum += n
	}
	if len(out) < 3 || sum != 0 {
		t.Errorf("payments %v, want what came in, and all of it gone out", out)
	}
	verify(t, s)
	// Overage in the running month.
	order(t, s, "big", silver, quota.Continue)
	mustSend(t, s, "big", gb+1, 1)
	_, err = s.Orders.Refund(behalf.Order{}, "big")
	if no, ok := errors.AsType[*quota.Refusal](err); !ok || !no.For(quota.WhyOverage) {
		t.Errorf("Refund with overage = %v", err)
	}
	c.add(10 * 24 * time.Hour)
	if _, err = s.Orders.Refund(behalf.Order{}, "big"); err == nil { // and in one that is closed with the order
		t.Error("Refund after overage was done")
	}
}

// An overpaid balance goes back with the refund, and an older debt is not set off.
func TestRefund_balance(t *testing.T) {
	s, _ := newBooks(t)
	r := order(t, s, "acme", silver, quota.Suspend)
	pay(t, s, r.Invoices[0].Number, 20_000, "a")
	r, err := s.Orders.Refund(behalf.Order{}, "acme")
	if err != nil || r.Amount != 20_000 || r.After.Balance != 0 {
		t.Errorf("Refund = %+v, %v", r, err)
	}
	if err := s.RemoveAccount(behalf.Order{}, "acme"); err != nil {
		t.Errorf("RemoveAccount = %v, want nothing open after the refund", err)
	}
}

func TestRefund_currency(t *testing.T) {
	s, _ := newBooks(t)
	order(t, s, "acme", free, quota.Suspend)
	if _, err := s.Orders.Correct(behalf.Order{}, "acme", orders.Correction{Money: 500, Text: "paid by hand"}); err != nil {
		t.Fatal(err)
	}
	b := s.Books.Billing()
	b.Currency = "USD"
	s.Books.SetBilling(b)
	if r, err := s.Orders.Refund(behalf.Order{}, "acme"); err == nil {
		t.Errorf("Refund of EUR in USD = %+v", r.Entries)
	}
	if a := account(t, s, "acme"); a.Balance != 500 || a.State != ledger.Active {
		t.Errorf("the account is %s with %d", a.State, a.Balance)
	}
}

// A renewal that is paid goes back with the term it follows.
func TestRefund_withItsRenewal(t *testing.T) {
	s, _ := newBooks(t)
	order(t, s, "acme", silver, quota.Suspend)
	pay(t, s, 1, 0, "a")
	if _, err := s.Orders.Renew(behalf.Order{}, "acme", ""); err != nil {
		t.Fatal(err)
	}
	pay(t, s, 2, 0, "b")
	r, err := s.Orders.Refund(behalf.Order{}, "acme")
	if err != nil || r.Amount != 2*14_640 || r.After.Balance != 0 || len(r.Invoices) != 4 {
		t.Errorf("Refund = %d, balance %d, %d invoices, %v", r.Amount, r.After.Balance, len(r.Invoices), err)
	}
}
