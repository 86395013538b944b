package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/highwater"
	"relay/store/ledger"
	"relay/store/orders"
)

// numbered is a store with its high-water file.
func numbered(t *testing.T, dir string) *Store {
	t.Helper()
	c := &clock{t: epoch}
	s, err := openTest(filepath.Join(dir, "relay.db"), Options{Now: c.now, HighWater: filepath.Join(dir, "numbers"),
		Billing: ledger.Billing{Currency: "EUR", Prefix: "V-", DueDays: 14, GraceDays: 7}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// invoiced orders an account and returns its invoice's number.
func invoiced(t *testing.T, s *Store, name string) uint64 {
	t.Helper()
	r := order(t, s, name, silver, "suspend")
	if len(r.Invoices) != 1 {
		t.Fatalf("%d invoices, want 1", len(r.Invoices))
	}
	return r.Invoices[0].Number
}

func closeStore(t *testing.T, s *Store) {
	t.Helper()
	verify(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// A copy that takes the store's place, and a new store where it was lost, go on after
// the last number; those between are void and shown.
func TestStore_numbersAreNeverIssuedAgain(t *testing.T) {
	for name, happens := range map[string]func(db, copied string) error{
		"a copy in its place": func(db, copied string) error { return errors.Join(lose(db), os.Rename(copied, db)) },
		"lost":                func(db, _ string) error { return lose(db) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			db, copied, high := filepath.Join(dir, "relay.db"), filepath.Join(dir, "copy"), filepath.Join(dir, "numbers")
			s := numbered(t, dir)
			if err := s.Books.AddPlan(silver); err != nil {
				t.Fatal(err)
			}
			for i, name := range []string{"one", "two", "three"} {
				n := invoiced(t, s, name)
				if known, err := highwater.Read(high); n != uint64(i+1) || known != n || err != nil {
					t.Errorf("invoice %d is issued, %d is known, %v", n, known, err)
				}
				if name == "one" {
					f, err := os.Create(copied)
					if err == nil {
						_, err = s.Copy(f, func(Image) error { return nil })
					}
					if err != nil || f.Close() != nil {
						t.Fatal(err)
					}
				}
			}
			closeStore(t, s)
			if err := happens(db, copied); err != nil {
				t.Fatal(err)
			}
			s = numbered(t, dir)
			if name == "lost" {
				if err := s.Books.AddPlan(silver); err != nil {
					t.Fatal(err)
				}
			}
			if n := invoiced(t, s, "four"); n != 4 {
				t.Errorf("the next invoice is %d, want 4", n)
			}
			i, err := s.Books.FindInvoice("V-3")
			if err != nil || i.State != ledger.InvoiceVoid || i.Reason != string(ledger.CauseLost) {
				t.Errorf("number 3 is %+v, %v; want it to be void", i, err)
			}
			if _, err := s.Orders.RecordPayment(behalf.Order{}, ledger.Payment{Method: "bank", Reference: "x", Invoice: 3}); err == nil {
				t.Error("a void number is paid")
			}
			if below, err := s.Books.InvoiceBelow("anybody", 3); below || err != nil {
				t.Errorf("a void number is below a reseller: %v, %v", below, err)
			}
			closeStore(t, s)
			s = numbered(t, dir) // what is void stays so, and nothing else becomes so
			if n := invoiced(t, s, "five"); n != 5 {
				t.Errorf("the next invoice is %d, want 5", n)
			}
			closeStore(t, s)
		})
	}
}

// Without the file no invoice is issued: it must never lag.
func TestStore_numberIsKnownBeforeItsInvoice(t *testing.T) {
	dir := t.TempDir()
	s := numbered(t, dir)
	if err := s.Books.AddPlan(silver); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "numbers"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "acme"}, Plan: silver}); err == nil {
		t.Error("an invoice is issued whose number is known nowhere else")
	}
	if _, err := s.Books.Account("acme"); err == nil {
		t.Error("and its account is there")
	}
	if err := os.Remove(filepath.Join(dir, "numbers")); err != nil {
		t.Fatal(err)
	}
	if n := invoiced(t, s, "acme"); n != 1 {
		t.Errorf("the first invoice is %d", n)
	}
	closeStore(t, s)
}

// An order that cannot make its number known fails alone: mail that is accepted at the
// same moment is not refused for it.
func TestStore_numberThatCannotBeKnownFailsItsOrderAlone(t *testing.T) {
	dir := t.TempDir()
	s := numbered(t, dir)
	for _, p := range []quota.Plan{silver, free} {
		if err := s.Books.AddPlan(p); err != nil {
			t.Fatal(err)
		}
	}
	order(t, s, "mail", free, "suspend")
	if err := os.WriteFile(filepath.Join(dir, "numbers"), []byte("damaged\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var both sync.WaitGroup
	for i := range 200 {
		both.Go(func() {
			if i%2 == 0 {
				n := orders.NewAccount{Account: books.Account{Name: fmt.Sprintf("a%d", i)}, Plan: silver}
				if _, err := s.Orders.AddAccount(behalf.Order{}, n); !errors.Is(err, highwater.ErrDamaged) {
					t.Errorf("AddAccount = %v, want ErrDamaged", err)
				}
				return
			}
			in := intake(s, "mail", 100, "x@d.test")
			in.Login = ""
			if r, err := s.Accept(in); err != nil || r != nil {
				t.Errorf("Accept = %+v, %v", r, err)
			}
		})
	}
	both.Wait()
	closeStore(t, s)
}
