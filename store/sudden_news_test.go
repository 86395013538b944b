package store

import (
	"slices"
	"testing"
	"time"

	"relay/quota"
)

// toldNow tells what is due, and returns the kinds that there was something to tell of.
func toldNow(t testing.TB, s *Store) (kinds []NewsKind) {
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
	var told []NewsKind
	turn := func(n int) {
		t.Helper()
		for range n {
			if _, err := s.Suspend(Order{}, "acme", "x"); err != nil {
				t.Fatal(err)
			}
			told = append(told, toldNow(t, s)...)
			if _, err := s.Resume(Order{}, "acme"); err != nil {
				t.Fatal(err)
			}
			told = append(told, toldNow(t, s)...)
			c.add(time.Second)
		}
	}
	turn(100)
	if len(told) != mostSudden {
		t.Errorf("%d mails at once", len(told))
	}
	c.add(suddenDay)
	if got := toldNow(t, s); !slices.Equal(got, []NewsKind{NewsResumed}) {
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
		if _, err := s.ChangeAccount(Order{}, "acme", func(a *Account) (Change, error) { a.OverMax = 10 + i%2; return Change{}, nil }); err != nil {
			t.Fatal(err)
		}
		refusedOver(t, s, "acme", 100)
		n += len(toldNow(t, s))
	}
	if n != mostSudden-1 { // overage was the first
		t.Errorf("%d mails at once", n)
	}
	c.add(suddenDay)
	if got := toldNow(t, s); !slices.Equal(got, []NewsKind{NewsCeiling}) {
		t.Errorf("told on the day after: %q", got)
	}
}
