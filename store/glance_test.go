package store

import (
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/orders"
	"relay/store/overview"
)

// glances are all of them, by name.
func glances(t *testing.T, s *Store, day string) map[string]*overview.Glance {
	t.Helper()
	all := map[string]*overview.Glance{}
	if err := s.Overview.EachGlance(books.Wanted{}, day, func(g *overview.Glance) error { all[g.Account.Name] = g; return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

// What the digest looks at of an account: what became of its mail of a day, what it owes, and
// when it was suspended.
func TestStore_EachGlance(t *testing.T) {
	s, c := newBooks(t)
	for _, name := range []string{"a", "b", "c"} {
		order(t, s, name, free, quota.Continue)
	}
	count := func(account, day, period string, delivered uint64, failed ...given) {
		t.Helper()
		err := s.update(0, func(t *tx) error {
			return t.Put(bucket.DaysOf, dayKey(account, day, period), dayRecord(delivered, failed...))
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { // no mail belongs to it
			if err := s.update(0, func(t *tx) error { return t.Delete(bucket.DaysOf, dayKey(account, day, period)) }); err != nil {
				t.Error(err)
			}
		})
	}
	count("a", "2026-11-27", "2026-11", 90, given{"BadDomain", 10})
	count("a", "2026-11-28", "2026-11", 7, given{"BadDomain", 1}, given{"InvalidRecipient", 2})
	count("a", "2026-11-28", "other", 1)
	count("ab", "2026-11-28", "2026-11", 1000)
	mustSend(t, s, "b", 2*gb, 1)
	c.set(december.Add(time.Hour))
	if _, err := closeNow(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Orders.Suspend(behalf.Order{}, "c", "spam"); err != nil {
		t.Fatal(err)
	}
	got := glances(t, s, "2026-11-28")
	if g := got["a"]; g.Delivered != 8 || g.Failed != 3 || g.Overdue || !g.Suspended.IsZero() {
		t.Errorf("a: %+v", g)
	}
	if good, bad, err := s.Outcomes.Between("a", "2026-11-01", "2026-11-28"); good != 90 || bad != 10 || err != nil {
		t.Errorf("Between = %d, %d, %v", good, bad, err)
	}
	if g := got["c"]; !g.Suspended.Equal(c.now()) {
		t.Errorf("c: %+v", g)
	}
	if g := got["b"]; g.Overdue || g.Delivered != 0 {
		t.Errorf("b before its invoice is due: %+v", g)
	}
	c.set(december.AddDate(0, 0, 20))
	if g := glances(t, s, "2026-11-28")["b"]; !g.Overdue {
		t.Errorf("b owes: %+v", g)
	}
}

// The revenue of a month has the invoices from its begin on, and no other.
func TestStore_RevenueSince(t *testing.T) {
	s, c := newBooks(t)
	if r, err := s.Books.RevenueSince(time.Time{}); err != nil || r.Invoiced != 0 {
		t.Errorf("of nothing: %+v, %v", r, err)
	}
	var all []ledger.Invoice
	for i := range 9 {
		if i%3 == 0 {
			c.add(5 * 24 * time.Hour)
		}
		if _, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: string(rune('a' + i))}, Plan: silver}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Books.Invoices(1, func(i *ledger.Invoice) error { all = append(all, *i); return nil }); err != nil || len(all) != 9 {
		t.Fatalf("%d invoices, %v", len(all), err)
	}
	pay(t, s, all[0].Number, all[0].Total, "first")
	pay(t, s, all[len(all)-1].Number, all[len(all)-1].Total, "last")
	for _, from := range []time.Time{{}, all[0].Issued, december, all[5].Issued, all[len(all)-1].Issued, all[len(all)-1].Issued.Add(1)} {
		want := books.Revenue{Currency: "EUR"}
		if err := s.Books.Invoices(1, func(i *ledger.Invoice) error {
			if !i.Issued.Before(from) {
				want.Invoiced, want.Paid, want.Open = want.Invoiced+i.Total, want.Paid+i.Paid, want.Open+i.Open()
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Books.RevenueSince(from); err != nil || got != want {
			t.Errorf("from %v: %+v, %v, want %+v", from, got, err, want)
		}
	}
}
