package store

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"relay/quota"
	"relay/store/bolt"
)

// Whatever is wrong in the books, Verify says so.
func TestVerify_books(t *testing.T) {
	for name, x := range map[string]struct {
		harm func(*tx, *Account) error
		says string
	}{
		"balance":       {func(t *tx, a *Account) error { a.Balance++; return t.put(accounts, []byte(a.Name), a) }, "has a balance of"},
		"credit":        {func(t *tx, a *Account) error { a.Lots[0].Amount--; return t.put(accounts, []byte(a.Name), a) }, "entries of credit"},
		"credit gone":   {func(t *tx, a *Account) error { a.Lots = nil; return t.put(accounts, []byte(a.Name), a) }, "has 0 credits"},
		"entry gone":    {func(t *tx, a *Account) error { return t.b.Delete(ledger, numberKey(a.Name, 2)) }, "ledger of acme"},
		"last entry":    {func(t *tx, a *Account) error { return t.b.Delete(ledger, numberKey(a.Name, a.Seq)) }, "counts"},
		"not due":       {func(t *tx, a *Account) error { return t.b.Delete(closing, closingKey(a.Closes, a.Name)) }, "end of its open period"},
		"due twice":     {func(t *tx, a *Account) error { return t.b.Put(closing, closingKey(epoch, a.Name), []byte{}) }, "bucket closing lists"},
		"not owed":      {func(t *tx, a *Account) error { return t.b.Delete(owed, numberKey(a.Name, 2)) }, "not listed as such"},
		"not billed":    {func(t *tx, a *Account) error { return t.b.Delete(billed, numberKey(a.Name, 1)) }, "not listed under account"},
		"not dunned":    {func(t *tx, a *Account) error { return deleteAll(t, dunning) }, "end of its grace"},
		"invoice gone":  {func(t *tx, a *Account) error { return t.b.Delete(invoices, invoiceKey(1)) }, "lies in place of 1"},
		"invoice count": {func(t *tx, a *Account) error { return t.put(meta, keyInvoice, 7) }, "7 invoices are counted"},
		"paid": {func(t *tx, a *Account) error {
			d := t.dealOn(*a, Order{})
			i, err := d.invoice(2)
			if err != nil {
				return err
			}
			i.Paid, i.State, i.Suspends = i.Total, InvoicePaid, time.Time{}
			return d.apply()
		}, "that it did not pay"},
		"payment gone":  {func(t *tx, a *Account) error { return deleteAll(t, payments) }, "bucket payments lists 0"},
		"not owned":     {func(t *tx, a *Account) error { return deleteAll(t, accountsOf) }, "not listed under boss"},
		"not listed":    {func(t *tx, a *Account) error { return deleteAll(t, loginsOf) }, "credentials \"acme\" is not listed"},
		"charged today": {func(t *tx, a *Account) error { t.b.Touch(); t.usage(a.Name, a.Open).Today.Bytes++; return nil }, "the entries of its days and today"},
	} {
		t.Run(name, func(t *testing.T) {
			c := &clock{t: epoch}
			s := openBooks(t, filepath.Join(t.TempDir(), "relay.db"), c)
			defer s.Close()
			if err := s.AddCustomer(Customer{Name: "boss"}); err != nil {
				t.Fatal(err)
			}
			_, err := s.AddAccount(Order{}, NewAccount{Account: Account{Name: "acme", Owner: "boss"}, Plan: silver, Activate: true,
				Credential: &Credential{Login: "acme", Account: "acme"}})
			if err != nil {
				t.Fatal(err)
			}
			pay(t, s, 1, 0, "a")
			if _, err := s.BuyBlock(Order{}, "acme", gb, 1); err != nil {
				t.Fatal(err)
			}
			mustSend(t, s, "acme", 7, 1)
			verify(t, s)
			err = s.update(0, func(t *tx) error {
				a, err := load[Account](t, accounts, "acme")
				if err != nil {
					return err
				}
				return x.harm(t, &a)
			})
			if err != nil {
				t.Fatal(err)
			}
			var says []string
			if _, err := s.Verify(t.Context(), func(p string) { says = append(says, p) }); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(strings.Join(says, "\n"), x.says) {
				t.Errorf("Verify says %q, want %q", says, x.says)
			}
		})
	}
}

func deleteAll(t *tx, b bolt.Bucket) error {
	c := t.b.Cursor(b)
	for k, _ := c.First(); k != nil; k, _ = c.First() {
		if err := t.b.Delete(b, append([]byte(nil), k...)); err != nil {
			return err
		}
		c = t.b.Cursor(b)
	}
	return nil
}

// The operator moves: months turn at the new midnight from then on.
func TestCloseDue_inAnotherZone(t *testing.T) {
	c := &clock{t: epoch}
	path := filepath.Join(t.TempDir(), "relay.db")
	s := openBooks(t, path, c)
	order(t, s, "acme", free, quota.Suspend)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path, Options{Now: c.now, Zone: time.FixedZone("west", -5*3600)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	verify(t, s)
	c.set(december)
	if _, err := s.CloseDue(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if a := account(t, s, "acme"); a.Open != "2026-11" || !a.Closes.Equal(december.Add(6*time.Hour)) {
		t.Errorf("at Rome's midnight: open %s until %v", a.Open, a.Closes)
	}
	closeDue(t, s, 0)
	c.set(december.Add(6 * time.Hour))
	closeDue(t, s, 1)
	if a := account(t, s, "acme"); a.Open != "2026-12" {
		t.Errorf("open = %s", a.Open)
	}
	verify(t, s)
}
