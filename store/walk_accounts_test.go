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
	"relay/store/books"
	"relay/store/orders"
	"relay/store/people"
	"relay/store/room"
	"relay/store/standing"
)

// manyBooks has accounts of a customer, of a reseller, of both and of neither, in
// more than two steps of a walk.
func manyBooks(t *testing.T) (*Store, *clock, int) {
	s, c := newBooks(t)
	if err := errors.Join(s.People.AddCustomer(people.Customer{Name: "anna"}), s.People.AddReseller(people.Reseller{Name: "rosa"})); err != nil {
		t.Fatal(err)
	}
	n := 2*room.Step + 7
	for i := range n {
		a := books.Account{Name: fmt.Sprintf("a%04d", i), AtLimit: quota.Continue}
		if i%3 == 0 {
			a.Owner = "anna"
		}
		if i%2 == 0 {
			a.Reseller = "rosa"
		}
		if _, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: a, Plan: free}); err != nil {
			t.Fatal(err)
		}
	}
	return s, c, n
}

func names(t *testing.T, s *Store, w books.Wanted) (list []string) {
	t.Helper()
	if err := s.Books.EachAccount(w, func(a *books.Account) error { list = append(list, a.Name); return nil }); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestStore_EachAccount(t *testing.T) {
	s, _, n := manyBooks(t)
	odd := func(a *books.Account) bool { return a.Name[4]%2 == 1 }
	for name, c := range map[string]struct {
		w    books.Wanted
		want func(i int) bool
	}{
		"all":                  {books.Wanted{}, func(int) bool { return true }},
		"of a customer":        {books.Wanted{Owner: "anna"}, func(i int) bool { return i%3 == 0 }},
		"below a reseller":     {books.Wanted{Reseller: "rosa"}, func(i int) bool { return i%2 == 0 }},
		"of both":              {books.Wanted{Owner: "anna", Reseller: "rosa"}, func(i int) bool { return i%6 == 0 }},
		"of a name":            {books.Wanted{Prefix: "a000"}, func(i int) bool { return i < 10 }},
		"of a whole name":      {books.Wanted{Prefix: "a0007"}, func(i int) bool { return i == 7 }},
		"of a name, beyond":    {books.Wanted{Prefix: "a03", After: "a0395"}, func(i int) bool { return i >= 396 && i < 400 }},
		"of a name, too far":   {books.Wanted{Prefix: "a03", After: "a0400"}, func(i int) bool { return false }},
		"of a name below":      {books.Wanted{Reseller: "rosa", Prefix: "a03"}, func(i int) bool { return i >= 300 && i < 400 && i%2 == 0 }},
		"of no name":           {books.Wanted{Prefix: "b"}, func(i int) bool { return false }},
		"that match":           {books.Wanted{Match: odd}, func(i int) bool { return i%2 == 1 }},
		"of nobody":            {books.Wanted{Owner: "ann"}, func(int) bool { return false }},
		"of one that match":    {books.Wanted{Owner: "anna", Match: odd}, func(i int) bool { return i%6 == 3 }},
		"of one that none are": {books.Wanted{Reseller: "rosa", Match: odd}, func(int) bool { return false }},
	} {
		t.Run(name, func(t *testing.T) {
			var want []string
			for i := range n {
				if c.want(i) {
					want = append(want, fmt.Sprintf("a%04d", i))
				}
			}
			if got := names(t, s, c.w); !slices.Equal(got, want) {
				t.Errorf("%d accounts, want %d: %v", len(got), len(want), got)
			}
		})
	}
	pauses := 0
	w := books.Wanted{Match: func(*books.Account) bool { return false }, Pause: func() error { pauses++; return nil }}
	if names(t, s, w); pauses < 3 {
		t.Errorf("%d pauses in a walk of %d accounts that finds none", pauses, n)
	}
	stop := errors.New("stop")
	w.Pause = func() error { return stop }
	if err := s.Books.EachAccount(w, func(*books.Account) error { return nil }); !errors.Is(err, stop) {
		t.Errorf("a walk that was stopped: %v", err)
	}
}

// What the walks say of each account is what is said of it alone.
func TestStore_EachStanding(t *testing.T) {
	s, c, n := manyBooks(t)
	mustSend(t, s, "a0005", 10, 2)
	mustSend(t, s, "a0300", 2*gb-1, 1)                                                                                                 // over, in a year's plan
	if _, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "b"}, Plan: silver}); err != nil { // pending
		t.Fatal(err)
	}
	for _, at := range []time.Time{c.t, december} { // the second with all months still open
		c.set(at)
		seen := 0
		err := s.Standings.EachStanding(books.Wanted{}, func(got *standing.Standing) error {
			seen++
			want, err := s.Standings.Standing(got.Account.Name)
			if !reflect.DeepEqual(*got, want) {
				t.Errorf("at %v\n%+v\nwant\n%+v", at, *got, want)
			}
			return err
		})
		if err != nil || seen != n+1 {
			t.Fatalf("%d accounts of %d, %v", seen, n+1, err)
		}
	}
}

func TestStore_UsedIn(t *testing.T) {
	s, c, _ := manyBooks(t)
	mustSend(t, s, "a0005", 10, 2)
	mustSend(t, s, "a0300", 20, 1)
	if _, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "m"}, Plan: quota.Plan{Name: "m", Term: quota.Month}}); err != nil {
		t.Fatal(err)
	}
	mustSend(t, s, "m", 30, 3)
	c.set(december)
	mustSend(t, s, "a0006", 10, 1)
	used := func(period string) (list []string) {
		err := s.Books.EachAccount(books.Wanted{}, func(a *books.Account) error {
			u, ok, err := s.Standings.FindUsage(a.Name, period)
			if ok {
				list = append(list, fmt.Sprintf("%s %s %d", u.Account, u.Period, u.Charged.Messages))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	for period, want := range map[string][]string{
		"2026-11":    {"a0005 2026-11 2", "a0300 2026-11 1", "m 2026-11-23 3"},
		"2026-11-23": {"m 2026-11-23 3"},
		"2026-12":    {"a0006 2026-12 1"},
		"2026":       nil,
		"":           nil,
	} {
		if got := used(period); !slices.Equal(got, want) {
			t.Errorf("used in %q: %v, want %v", period, got, want)
		}
	}
	if u, ok, err := s.Standings.FindUsage("nobody", "2026-11"); ok || err != nil || u.Account != "nobody" || u.Period != "2026-11" {
		t.Errorf("UsedIn of nobody = %+v, %v, %v", u, ok, err)
	}
}
