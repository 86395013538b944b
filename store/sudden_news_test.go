package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/news"
	"relay/store/orders"
	"relay/store/people"
	"relay/store/room"
	"relay/store/spool"
)

// The most that news has mails of states, of limits and of logins in a day: an account, an address.
const (
	mostOfAccount = 20
	mostToAddress = 60
	aDay          = 24 * time.Hour
)

// toldNow tells what is due, and returns the kinds that there was something to tell of.
func toldNow(t testing.TB, s *Store) (kinds []news.Kind) {
	t.Helper()
	list, _, _ := dueNews(t, s, 1000)
	for i := range list {
		told, err := s.Telling(&list[i])
		if err != nil {
			t.Fatal(err)
		}
		if told != nil {
			kinds = append(kinds, list[i].Kind)
		}
		if err := s.Tell(&list[i], nil); err != nil {
			t.Fatal(err)
		}
	}
	return kinds
}

// Whoever may suspend an account and set its contact cannot have relay flood a stranger.
func TestNews_suspendedWithoutAnEnd(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", free, quota.Suspend)
	toldNow(t, s)
	var told []news.Kind
	turn := func(n int) {
		t.Helper()
		for range n {
			if _, err := s.Orders.Suspend(behalf.Order{}, "acme", "x"); err != nil {
				t.Fatal(err)
			}
			told = append(told, toldNow(t, s)...)
			if _, err := s.Orders.Resume(behalf.Order{}, "acme"); err != nil {
				t.Fatal(err)
			}
			told = append(told, toldNow(t, s)...)
			c.add(time.Second)
		}
	}
	turn(100)
	if len(told) != mostOfAccount {
		t.Errorf("%d mails at once", len(told))
	}
	c.add(aDay)
	if got := toldNow(t, s); !slices.Equal(got, []news.Kind{news.Resumed}) {
		t.Errorf("told on the day after: %q", got)
	}
	told = nil
	if turn(2); len(told) != 4 {
		t.Errorf("told on the day after: %q", told)
	}
	c.set(epoch.AddDate(0, -1, 0)) // the clock was wrong: it does not silence the account
	told = nil
	if turn(1); len(told) != 2 {
		t.Errorf("told before: %q", told)
	}
	verify(t, s)
}

// Nor does a ceiling that moves up and down.
func TestNews_ceilingUpAndDown(t *testing.T) {
	s, c := newBooks(t)
	capped := free
	capped.Name, capped.OverMax = "capped", gb
	order(t, s, "acme", capped, quota.Continue)
	mustSend(t, s, "acme", gb+1, 1)
	toldNow(t, s)
	n := 0
	for i := range int64(100) {
		if _, err := s.Orders.ChangeAccount(behalf.Order{}, "acme", func(a *books.Account) (orders.Change, error) { a.OverMax = 10 + i%2; return orders.Change{}, nil }); err != nil {
			t.Fatal(err)
		}
		refusedOver(t, s, "acme", 100)
		n += len(toldNow(t, s))
	}
	if n != mostOfAccount-1 { // overage was the first
		t.Errorf("%d mails at once", n)
	}
	c.add(aDay)
	if got := toldNow(t, s); !slices.Equal(got, []news.Kind{news.Ceiling}) {
		t.Errorf("told on the day after: %q", got)
	}
}

// Nor can somebody flood an address with many accounts. Another seller's accounts with the same
// address are told as ever.
func TestNews_manyAccountsOneAddress(t *testing.T) {
	s, c := newBooks(t)
	if err := s.People.AddReseller(people.Reseller{Name: "webco"}); err != nil {
		t.Fatal(err)
	}
	mails := func() (n int) {
		t.Helper()
		list, _, _ := dueNews(t, s, 1000)
		for i := range list {
			told, err := s.Telling(&list[i])
			if err != nil {
				t.Fatal(err)
			}
			var mail []spool.Notice
			if told != nil {
				mail = []spool.Notice{mailTo("Victim@d.test")}
			}
			before := len(ownMails(t, s))
			if err := s.Tell(&list[i], mail); err != nil {
				t.Fatal(err)
			}
			n += len(ownMails(t, s)) - before
		}
		return n
	}
	names := []string{"ours"}
	for i := range mostToAddress + 10 {
		names = append(names, fmt.Sprintf("webco-%d", i))
	}
	for i, name := range names {
		a := books.Account{Name: name, Contact: "victim@d.test"}
		if i > 0 {
			a.Reseller = "webco"
		}
		if _, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: a, Plan: free}); err != nil {
			t.Fatal(err)
		}
	}
	mails()
	turn := func(reseller int, act func(behalf.Order, string) (orders.Receipt, error)) {
		t.Helper()
		for _, name := range names[1 : 1+reseller] {
			if _, err := act(behalf.Order{}, name); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := act(behalf.Order{}, names[0]); err != nil {
			t.Fatal(err)
		}
	}
	suspend := func(o behalf.Order, name string) (orders.Receipt, error) { return s.Orders.Suspend(o, name, "x") }
	turn(mostToAddress+10, suspend)
	if got := mails(); got != mostToAddress+1 {
		t.Errorf("%d mails at once", got)
	}
	turn(5, s.Orders.Resume)
	if got := mails(); got != 1 {
		t.Errorf("%d mails beyond them", got)
	}
	turn(5, suspend)
	if got := mails(); got != 1 {
		t.Errorf("%d mails beyond them", got)
	}
	c.add(aDay)
	if got := mails(); got != 15 { // of 5, that their states changed; of 10, that they are suspended
		t.Errorf("%d mails on the day after", got)
	}
	marks := func() (n int) {
		t.Helper()
		err := s.News.Prune()
		if err == nil {
			err = s.view(func(t *tx) error {
				list, err := room.All[struct{}](&t.Tx, bucket.ToldOf, room.Pair("", "sudden"))
				n = len(list)
				return err
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := marks(); n != 1 {
		t.Errorf("%d counts while they count", n)
	}
	c.add(aDay)
	if n := marks(); n != 0 {
		t.Errorf("%d counts of a day that is over", n)
	}
	verify(t, s)
}
