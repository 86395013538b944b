package store

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"relay/store/behalf"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/ledger"
)

// A new prefix is for new invoices: those that were issued keep their names, and are
// found by them and by the bare number.
func TestInvoice_keepsTheNameItWasIssuedWith(t *testing.T) {
	s, c := newBooks(t)
	prefix := func(p string) {
		b := s.Books.Billing()
		b.Prefix = p
		s.Books.SetBilling(b)
	}
	prefix("2026/")
	order(t, s, "acme", silver, "")
	prefix("R-")
	if _, err := s.Orders.CancelInvoice(behalf.Order{}, 1, "a mistake"); err != nil {
		t.Fatal(err)
	}
	order(t, s, "beta", silver, "")
	prefix("")
	c.add(1)
	for n, want := range []string{1: "2026/1", 2: "R-2", 3: "R-3"} {
		if n == 0 {
			continue
		}
		for _, text := range []string{want, strings.ToLower(want), ledger.NumberText(uint64(n)), "0" + ledger.NumberText(uint64(n)), " " + want + " "} {
			if i, err := s.Books.FindInvoice(text); err != nil || i.Name != want {
				t.Errorf("FindInvoice(%q) = %s, %v, want %s", text, i.Name, err, want)
			}
		}
	}
	if i, _ := s.Books.Invoice(2); i.Names != "2026/1" {
		t.Errorf("the credit note is about %q, want 2026/1", i.Names)
	}
	for _, text := range []string{"R-4", "9"} {
		if i, err := s.Books.FindInvoice(text); !errors.Is(err, ErrNotFound) {
			t.Errorf("FindInvoice(%q) = %s, %v, want none", text, i.Name, err)
		}
	}
	for _, text := range []string{"R-1", "2026/2", "-3", "", "R-", "0", "R-0", "17x", "99999999999999999999"} {
		if _, err := s.Books.FindInvoice(text); !isNoNumber(err) {
			t.Errorf("FindInvoice(%q): %v, want that it is no number", text, err)
		}
	}
	var names []string
	if err := s.Books.Invoices(1, func(i *ledger.Invoice) error { names = append(names, i.Name); return nil }); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(names, " "); got != "2026/1 R-2 R-3" {
		t.Errorf("all: %s", got)
	}
}

func isNoNumber(err error) bool {
	no := (*books.NoNumber)(nil)
	return errors.As(err, &no)
}

// Invoices from before names were kept have the prefix that was in force at the first
// start since, whatever it is later.
func TestOpen_namesOldInvoicesOnce(t *testing.T) {
	path, c := filepath.Join(t.TempDir(), "relay.db"), &clock{t: epoch}
	s := openBooks(t, path, c)
	if err := s.Books.AddPlan(silver); err != nil {
		t.Fatal(err)
	}
	order(t, s, "acme", silver, "")
	if _, err := s.Orders.CancelInvoice(behalf.Order{}, 1, "a mistake"); err != nil {
		t.Fatal(err)
	}
	if err := s.update(0, func(t *tx) error { // as they were
		for n := range uint64(2) {
			i, err := t.s.Books.InvoiceIn(&t.Tx, n+1)
			if err != nil {
				return err
			}
			i.Name, i.Names = "", ""
			if err := t.Write(bucket.Invoices, keyOfInvoice(i.Number), i); err != nil {
				return err
			}
		}
		return t.Delete(bucket.Meta, []byte("prefix"))
	}); err != nil {
		t.Fatal(err)
	}
	open := func(o Options) (name, about string) {
		t.Helper()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		var err error
		if s, err = openTest(path, o); err != nil {
			t.Fatal(err)
		}
		i, err := s.Books.Invoice(2)
		if err != nil {
			t.Fatal(err)
		}
		return i.Name, i.Names
	}
	for _, o := range []struct {
		prefix   string
		readOnly bool
		currency string
		want     string
	}{
		{"", false, "", "2 of 1"},          // nobody says who invoices: a check of the file
		{"A-", true, "EUR", "A-2 of A-1"},  // shown, not kept
		{"R-", false, "EUR", "R-2 of R-1"}, // kept
		{"B-", false, "EUR", "R-2 of R-1"},
		{"", false, "", "R-2 of R-1"},
	} {
		name, about := open(Options{Now: c.now, ReadOnly: o.readOnly, Billing: ledger.Billing{Currency: o.currency, Prefix: o.prefix}})
		if got := name + " of " + about; got != o.want {
			t.Errorf("with prefix %q: %s, want %s", o.prefix, got, o.want)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
