package store

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/orders"
	"relay/store/spooled"
)

// What a removal does is by whoever removes, what it comes upon is relay's own. A dry
// run does neither.
func TestRemoveAccount_by(t *testing.T) {
	s, c := newBooks(t)
	bob := behalf.Order{By: "bob"}
	r := order(t, s, "acme", silver, quota.Suspend)
	pay(t, s, r.Invoices[0].Number, 0, "a")
	if _, err := s.Orders.Renew(behalf.Order{}, "acme", ""); err != nil { // is taken back
		t.Fatal(err)
	}
	c.set(december) // November is to be closed
	if err := s.RemoveAccount(behalf.Order{By: "bob", DryRun: true}, "acme"); err != nil {
		t.Fatal(err)
	}
	if a := account(t, s, "acme"); a.State != ledger.Active {
		t.Fatalf("after a dry run it is %s", a.State)
	}
	if err := s.RemoveAccount(bob, "acme"); err != nil {
		t.Fatal(err)
	}
	got := map[ledger.Kind]string{}
	err := s.Books.Ledger("acme", func(e *ledger.Entry) error {
		if e.Time.Before(december.Add(-time.Hour)) {
			return nil
		}
		got[e.Kind+" "+ledger.Kind(string(e.For)+string(e.Cause))] = e.By
		return nil
	})
	want := map[ledger.Kind]string{"closed ": "", "credit-note credit-note": "bob", "ended removed": "bob"}
	for k, by := range want {
		if is, ok := got[k]; !ok || is != by {
			t.Errorf("%q is by %q, %v, want %q", k, is, ok, by)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Two orders of one account at the same time, and many messages: the sums hold.
func TestAccount_races(t *testing.T) {
	s, c := newBooks(t)
	var wg sync.WaitGroup
	for _, name := range []string{"one", "two"} {
		order(t, s, name, count, quota.Suspend)
		for range 9 {
			mustSend(t, s, name, 1, 5000)
		}
	}
	c.set(december.Add(-time.Second))
	for _, name := range []string{"one", "two"} {
		for i := range 40 {
			wg.Go(func() {
				switch i % 5 {
				case 0:
					if _, err := s.Orders.TopUp(behalf.Order{}, name, "more"); err != nil {
						t.Error(err)
					}
				case 1:
					_, _ = s.Orders.RecordPayment(behalf.Order{}, ledger.Payment{Invoice: uint64(1 + i%2), Method: "card", Reference: fmt.Sprint(name, i/2), Amount: 700})
				case 2:
					if _, err := closeNow(t.Context(), s); err != nil {
						t.Error(err)
					}
				default:
					send(t, s, name, 1, 1000)
					c.add(100 * time.Millisecond)
				}
			})
		}
	}
	wg.Wait()
	verify(t, s)
}

func TestRemoveAccount_booksStay(t *testing.T) {
	s, _ := newBooks(t)
	order(t, s, "acme", silver, quota.Suspend)
	mustSend(t, s, "acme", 7, 1)
	for _, l := range claim(t, s, "d.test", "acme", 10) {
		settle(t, s, l, spooled.Delivered)
	}
	if err := s.RemoveAccount(behalf.Order{}, "acme"); !errors.Is(err, orders.ErrOwing) {
		t.Fatalf("RemoveAccount = %v, want ErrOwing", err)
	}
	pay(t, s, 1, 0, "a")
	if err := s.RemoveAccount(behalf.Order{}, "acme"); err != nil {
		t.Fatal(err)
	}
	verify(t, s)
	if _, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "acme"}, Plan: free}); !errors.Is(err, orders.ErrUsed) {
		t.Errorf("another one of that name: %v", err)
	}
	if u, _ := s.Standings.Usage("acme", "2026-11"); u.Charged.Bytes != 7 {
		t.Errorf("its usage = %+v", u)
	}
}

// What cannot be leaves out all that was ordered with it.
func TestChangeAccount_allOrNothing(t *testing.T) {
	s, _ := newBooks(t)
	order(t, s, "acme", free, quota.Suspend)
	was := dump(t, s)
	big := free
	big.Bandwidth = 2 * gb
	_, err := s.Orders.ChangeAccount(behalf.Order{}, "acme", func(a *books.Account) (orders.Change, error) {
		a.Contact, a.AtLimit, a.Owner = "boss@acme.example", quota.Continue, "nobody"
		return orders.Change{Plan: &big, Abuse: new("spam")}, nil
	})
	if !errors.Is(err, ErrNotFound) {
		t.Errorf("for an owner that is not there: %v", err)
	}
	if !maps.Equal(was, dump(t, s)) {
		t.Error("a part of it was done")
	}
	r, err := s.Orders.ChangeAccount(behalf.Order{By: "op"}, "acme", func(a *books.Account) (orders.Change, error) {
		a.Contact, a.AtLimit = "boss@acme.example", quota.Continue
		return orders.Change{Plan: &big, Abuse: new("spam")}, nil
	})
	if err != nil || r.After.Contact != "boss@acme.example" || !r.After.Abuse {
		t.Fatalf("ChangeAccount = %+v, %v", r.After, err)
	}
	wantBook(t, s, "acme", "activated", "plan", "at-limit", "abuse")
	verify(t, s)
}

func TestChangeAccount_keepsTheBook(t *testing.T) {
	s, _ := newBooks(t)
	order(t, s, "acme", free, quota.Suspend)
	for name, fn := range map[string]func(*books.Account){
		"balance": func(a *books.Account) { a.Balance = 1 },
		"plan":    func(a *books.Account) { a.Contracts[0].Plan.Bandwidth = 0 },
		"closed":  func(a *books.Account) { a.State = ledger.Closed },
		"owner":   func(a *books.Account) { a.Owner = "nobody" },
	} {
		if _, err := s.Orders.ChangeAccount(behalf.Order{}, "acme", func(a *books.Account) (orders.Change, error) { fn(a); return orders.Change{}, nil }); err == nil {
			t.Errorf("ChangeAccount of %s was done", name)
		}
	}
}
