package store

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"relay/store/access"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/news"
	"relay/store/orders"
	"relay/store/standing"
)

func lookAtDay(t *testing.T, s *Store, c *clock) {
	t.Helper()
	l := standing.Look{Near: 90, Day: c.now().In(s.zone).AddDate(0, 0, -1).Format(time.DateOnly), Found: func(account string, _ *news.Item, err error) {
		if err != nil {
			t.Errorf("%s: %v", account, err)
		}
	}}
	if err := s.Standings.LookAtUse(t.Context(), l); err != nil {
		t.Fatal(err)
	}
}

// dailyAccesses looks, and returns what of days with logins is news then, which is told.
func dailyAccesses(t *testing.T, s *Store, c *clock) (list []string) {
	t.Helper()
	lookAtDay(t, s, c)
	due, _, err := s.News.Due(99)
	if err != nil {
		t.Fatal(err)
	}
	for i := range due {
		n := &due[i]
		if n.Kind != news.AccessDaily {
			continue
		}
		for _, a := range n.Access {
			list = append(list, fmt.Sprintf("%s %s %s %s %v", n.About[8:], a.Login, access.NetworkText(a.Address), a.Program, a.New))
		}
		if told, err := s.Telling(n); err != nil || told == nil {
			t.Fatalf("%v, %v", told, err)
		}
		if err := s.Tell(n, nil); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// Each day with logins is told once, whatever follows on the next day before the look, and
// after downtime all days together. An account that did not choose it hears nothing.
func TestLookAtUse_access(t *testing.T) {
	path := filepath.Join(t.TempDir(), "relay.db")
	s, c := loginStore(t, path)
	defer func() { s.Close() }()
	day := func() string { return c.now().In(s.zone).AddDate(0, 0, -1).Format("02") }
	want := func(what string, want ...string) {
		t.Helper()
		if got := dailyAccesses(t, s, c); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	use := func(login, address string) {
		t.Helper()
		u := from(c, login, address, 0)
		fresh, _, err := s.Access.Enter(u)
		if err == nil && !fresh {
			_, err = s.Access.Keep([]access.Use{u})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	use("acme", "192.0.2.1")
	c.add(24 * time.Hour)
	want("not chosen")
	if _, err := s.Orders.ChangeAccount(behalf.Order{}, "acme", func(a *books.Account) (orders.Change, error) {
		a.Notify = []news.Topic{news.TopicAccessDaily}
		return orders.Change{}, nil
	}); err != nil {
		t.Fatal(err)
	}
	use("acme", "192.0.2.1") // today, before the look
	want("chosen", day()+" acme 192.0.2.1 mail.example false")
	want("again")
	restart := func() {
		t.Helper()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = reopen(t, path, c)
	}
	restart()
	want("after a restart")
	c.add(24 * time.Hour)
	use("phone", "198.51.100.7")
	want("the day of that look", day()+" acme 192.0.2.1 mail.example false")
	c.add(24 * time.Hour)
	use("acme", "203.0.113.9")
	c.add(3 * 24 * time.Hour)
	want("after downtime", day()+" acme 203.0.113.9 mail.example true", day()+" phone 198.51.100.7 mail.example true")
	c.add(24 * time.Hour)
	want("a day without logins")
	use("acme", "203.0.113.9")
	c.add(24 * time.Hour)
	lookAtDay(t, s, c)
	restart()
	want("ended after the look, before the mail", day()+" acme 203.0.113.9 mail.example false")
	verify(t, s)
}
