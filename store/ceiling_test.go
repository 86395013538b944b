package store

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/orders"
)

// M14: an account that says nothing continues on a yearly plan with prices for
// overage, up to the largest block; on any other it suspends.
func TestAtLimit_default(t *testing.T) {
	s, _ := newBooks(t)
	noBlocks := quota.Plan{Name: "no-blocks", Term: quota.Year, Bandwidth: gb}
	month := quota.Plan{Name: "month", Term: quota.Month, Bandwidth: gb}
	strict := silver
	strict.Name, strict.AtLimit = "strict", []quota.AtLimit{quota.Suspend}
	capped := silver
	capped.Name, capped.OverMax = "capped", 3*gb
	open := silver
	open.Name, open.OverMax = "open", quota.Uncapped
	few := quota.Plan{Name: "few", Term: quota.Year, Emails: 1}
	for _, x := range []struct {
		plan quota.Plan
		own  books.Account
		most int64 // of overage
	}{
		{silver, books.Account{}, 5 * gb},
		{capped, books.Account{}, 3 * gb},
		{capped, books.Account{OverMax: gb}, gb},
		{capped, books.Account{OverMax: quota.Uncapped}, 100 * gb},
		{open, books.Account{}, 100 * gb},
		{silver, books.Account{AtLimit: quota.Suspend, OverMax: 2 * gb}, 0},
		{strict, books.Account{OverMax: 2 * gb}, 0},
		{noBlocks, books.Account{}, 0},
		{noBlocks, books.Account{AtLimit: quota.Continue}, 100 * gb},
		{noBlocks, books.Account{AtLimit: quota.Continue, OverMax: 2 * gb}, 2 * gb},
		{month, books.Account{}, 0},
		{few, books.Account{}, 0},
	} {
		a := x.own
		a.Name = strings.ToLower(t.Name()[:4]) + "-" + x.plan.Name + ledger.NumberText(uint64(len(ledgerNames(t, s))))
		if _, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: a, Plan: x.plan, Activate: true}); err != nil {
			t.Fatal(err)
		}
		mustSend(t, s, a.Name, gb, 1)
		if x.most > 0 {
			mustSend(t, s, a.Name, x.most, 1)
		}
		r := send(t, s, a.Name, 1, 1)
		if (r == nil) != (x.most == 100*gb) || r != nil && (r.Exceeded == nil || r.Exceeded.Most != x.most || !r.Exceeded.Renewed.IsZero() != (x.plan.Term == quota.Year)) {
			t.Errorf("%s, %+v: beyond %d octets of overage = %+v", x.plan.Name, x.own, x.most, r)
		}
	}
}

func ledgerNames(t *testing.T, s *Store) (list []string) {
	t.Helper()
	if err := s.Books.EachAccount(books.Wanted{}, func(a *books.Account) error { list = append(list, a.Name); return nil }); err != nil {
		t.Fatal(err)
	}
	return list
}

// The plan that runs decides: who said nothing continues from the term on that has
// prices for overage. Who chose keeps the choice.
func TestAtLimit_defaultFollowsThePlan(t *testing.T) {
	s, _ := newBooks(t)
	month := quota.Plan{Name: "month", Term: quota.Month, Bandwidth: gb}
	for name, limit := range map[string]quota.AtLimit{"silent": "", "firm": quota.Suspend} {
		order(t, s, name, month, limit)
		if r := send(t, s, name, gb+1, 1); r == nil {
			t.Errorf("%s, on a plan for 30 days: more was taken", name)
		}
		to := free
		if _, err := s.Orders.ChangeAccount(behalf.Order{}, name, change(orders.Change{Plan: &to})); err != nil {
			t.Fatal(err)
		}
		if r := send(t, s, name, gb+1, 1); (r == nil) != (name == "silent") {
			t.Errorf("%s, on a plan with prices for overage: %+v", name, r)
		}
	}
}

// M31: no overrun of the ceiling through many connections, and a later one holds at
// once; what was used before stays.
func TestOverMax_manyConnections(t *testing.T) {
	s, c := newBooks(t)
	r, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "acme", OverMax: 2 * gb}, Plan: silver, Activate: true})
	if err != nil {
		t.Fatal(err)
	}
	pay(t, s, r.Invoices[0].Number, 0, "a")
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 10 {
				in := intake(s, "acme", 10, "x@d.test")
				in.Message.Size, in.Login = 70*mb, ""
				if no, err := s.Accept(in); err != nil {
					t.Error(err)
				} else if no == nil {
					taken.Add(70 * mb)
				}
			}
		})
	}
	wg.Wait()
	if got := taken.Load(); got != 2940*mb { // 42 times 70 MB of 3 GB
		t.Errorf("%d octets were taken, want 2.94 GB", got)
	}
	lower := func(n int64) func(*books.Account) (orders.Change, error) {
		return func(a *books.Account) (orders.Change, error) { a.OverMax = n; return orders.Change{}, nil }
	}
	if _, err := s.Orders.ChangeAccount(behalf.Order{By: "op"}, "acme", lower(gb)); err != nil {
		t.Fatal(err)
	}
	no := send(t, s, "acme", 1, 1)
	if no == nil || no.Exceeded == nil || no.Exceeded.Most != gb || !no.Exceeded.Renewed.Equal(december) {
		t.Errorf("beyond a lower ceiling = %+v", no)
	}
	if _, err := s.Orders.ChangeAccount(behalf.Order{By: "op"}, "acme", lower(quota.Uncapped)); err != nil {
		t.Fatal(err)
	}
	mustSend(t, s, "acme", 50*gb, 1)
	if _, err := s.Orders.ChangeAccount(behalf.Order{}, "acme", lower(-2)); err == nil {
		t.Error("a ceiling below zero was taken")
	}
	wantBook(t, s, "acme", "invoice -14640", "activated", "payment 14640", "over-max", "over-max")
	verify(t, s)
	c.set(december.Add(time.Hour))
	mustSend(t, s, "acme", gb, 1)
}
