package store

import (
	"path/filepath"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/orders"
)

// expired is an account whose order nobody has paid for so long that it expired.
func expired(t *testing.T) (*Store, *clock) {
	t.Helper()
	s, c := newBooks(t)
	if _, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "acme", Method: "card"}, Plan: silver}); err != nil {
		t.Fatal(err)
	}
	c.add((14 + 30) * 24 * time.Hour)
	c.add(-time.Minute)
	if n, err := dunNow(t.Context(), s); n != 0 || err != nil {
		t.Fatalf("a minute before: %d, %v", n, err)
	}
	c.add(time.Minute)
	if n, err := dunNow(t.Context(), s); n != 1 || err != nil {
		t.Fatalf("DunBy = %d, %v", n, err)
	}
	return s, c
}

// An order that nobody pays is cancelled by a credit note, 30 days after it was due.
func TestDunBy_expiresOrders(t *testing.T) {
	s, _ := expired(t)
	i, _ := s.Books.Invoice(1)
	note, err := s.Books.Invoice(2)
	if err != nil || i.State != ledger.InvoiceCancelled || i.Order != nil || i.Lapsed == nil || note.About != 1 || note.Reason == "" {
		t.Errorf("invoice %+v, credit note %+v, %v", i, note, err)
	}
	if a := account(t, s, "acme"); a.State != ledger.Pending || a.Balance != 0 || a.Hold != "" {
		t.Errorf("the account is %+v", a)
	}
	if n, err := dunNow(t.Context(), s); n != 0 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
}

// A payment that comes later is entered, and the order is done.
func TestRecordPayment_revivesAnOrder(t *testing.T) {
	s, _ := expired(t)
	r := pay(t, s, 1, 0, "late")
	if r.Amount != 14_640 || r.After.State != ledger.Active || r.After.Balance != 0 {
		t.Errorf("RecordPayment = %d, %+v", r.Amount, r.After)
	}
	is, err := s.Books.Invoice(3)
	if err != nil || is.State != ledger.InvoicePaid || is.Total != 14_640 || is.Method != "card" || r.After.Contracts[0].Invoice != "3" {
		t.Errorf("the new invoice is %+v, %v", is, err)
	}
	if i, _ := s.Books.Invoice(1); i.State != ledger.InvoiceCancelled || i.Lapsed != nil {
		t.Errorf("the old one is %+v", i)
	}
	if r := pay(t, s, 1, 100, "again"); r.After.Balance != 100 || len(r.After.Contracts) != 1 {
		t.Errorf("paid twice: %+v", r.After)
	}
	// Taken back, it is found by the invoice that the customer had paid.
	if _, err := s.Orders.ReversePayment(behalf.Order{}, orders.Reversal{Invoice: 1, Reference: "late", Text: "bounced"}); err != nil {
		t.Error(err)
	}
	wantPaid(t, s, 0, 0, 100)
}

// A part of it revives it too, and the rest is to be paid.
func TestRecordPayment_revivesInPart(t *testing.T) {
	s, _ := expired(t)
	r := pay(t, s, 1, 4640, "late")
	if i, err := s.Books.Invoice(3); err != nil || i.Open() != 10_000 || i.Order == nil || r.After.State != ledger.Pending {
		t.Errorf("the new invoice is %+v, %v", i, err)
	}
	if r = pay(t, s, 1, 10_000, "rest"); r.After.State != ledger.Active || r.After.Balance != 0 {
		t.Errorf("paid in full: %+v", r.After)
	}
}

// Where the account is closed, the money is kept.
func TestRecordPayment_revivesNoClosedAccount(t *testing.T) {
	s, _ := expired(t)
	if _, err := s.Orders.CloseAccount(behalf.Order{}, "acme", ""); err != nil {
		t.Fatal(err)
	}
	if r := pay(t, s, 1, 500, "late"); r.After.Balance != 500 || r.After.State != ledger.Closed {
		t.Errorf("RecordPayment = %+v", r.After)
	}
}

// What was ordered is not given away once it has expired.
func TestActivate_revivesAnOrder(t *testing.T) {
	s, c := expired(t)
	r, err := s.Orders.Activate(behalf.Order{}, "acme")
	if err != nil || r.After.State != ledger.Active || r.After.Balance != -14_640 {
		t.Fatalf("Activate = %+v, %v", r.After, err)
	}
	if i, err := s.Books.Invoice(3); err != nil || i.Open() != 14_640 || !i.Suspends.After(c.now()) {
		t.Errorf("the new invoice is %+v, %v", i, err)
	}
}

// A renewal waits until its term would have begun, and 30 days more.
func TestDunBy_expiresRenewalsAfterTheTerm(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", silver, "")
	pay(t, s, 1, 0, "a")
	if _, err := s.Orders.Renew(behalf.Order{}, "acme", ""); err != nil {
		t.Fatal(err)
	}
	a := account(t, s, "acme")
	end := a.TermEnd()
	c.set(end.AddDate(0, 0, 30).Add(-time.Hour))
	closeDue(t, s, 1)
	if _, err := dunNow(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if i, _ := s.Books.Invoice(2); i.State != ledger.InvoiceOpen {
		t.Errorf("within 30 days of the term's end it is %s", i.State)
	}
	c.add(time.Hour)
	if _, err := dunNow(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if i, _ := s.Books.Invoice(2); i.State != ledger.InvoiceCancelled {
		t.Errorf("after them it is %s", i.State)
	}
	if r := pay(t, s, 2, 0, "b"); len(r.After.Contracts) != 2 || !r.After.Contracts[1].Start.Equal(c.now()) {
		t.Errorf("paid late: %+v", r.After.Contracts)
	}
}

// With 0 days, and where the operator has given more of them, it waits on.
func TestDunBy_orderDaysChange(t *testing.T) {
	s, c := newBooks(t)
	if _, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "acme"}, Plan: silver}); err != nil {
		t.Fatal(err)
	}
	b := s.Books.Billing()
	for _, n := range []int{60, 0} {
		b.OrderDays = n
		s.Books.SetBilling(b)
		c.add(50 * 24 * time.Hour)
		if _, err := dunNow(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if i, _ := s.Books.Invoice(1); i.State != ledger.InvoiceOpen {
			t.Errorf("with %d days it is %s", n, i.State)
		}
	}
}

// Orders of a file from before have 30 days from its first opening.
func TestOpen_expiresOldOrdersLater(t *testing.T) {
	path, c := filepath.Join(t.TempDir(), "relay.db"), &clock{t: epoch}
	s := openBooks(t, path, c)
	if _, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "acme"}, Plan: silver}); err != nil {
		t.Fatal(err)
	}
	order(t, s, "beta", silver, quota.Suspend)
	if err := s.update(0, func(t *tx) error { // as it was
		i, err := t.s.Books.InvoiceIn(&t.Tx, 1)
		if err != nil {
			return err
		}
		if err := t.Delete(bucket.Dunning, keyOfDue(i.Expires, 1)); err != nil {
			return err
		}
		i.Expires = time.Time{}
		if err := t.Write(bucket.Invoices, keyOfInvoice(1), i); err != nil {
			return err
		}
		return t.Write(bucket.Meta, keySchema, 5)
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c.add(400 * 24 * time.Hour)
	s = openBooks(t, path, c)
	defer s.Close()
	if i, _ := s.Books.Invoice(1); !i.Expires.Equal(c.now().AddDate(0, 0, 30)) {
		t.Errorf("it expires %v, want 30 days from now, %v", i.Expires, c.now())
	}
	verify(t, s)
}
