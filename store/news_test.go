package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/news"
	"relay/store/orders"
	"relay/store/spool"
	"relay/store/spooled"
)

func addNews(t testing.TB, s *Store, list ...news.Item) {
	t.Helper()
	err := s.update(0, func(t *tx) error {
		for _, n := range list {
			if err := t.s.News.Add(&t.Tx, n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// dueNews are the news that are due, as "kind account about".
func dueNews(t testing.TB, s *Store, n int) (list []news.Item, text []string, next time.Time) {
	t.Helper()
	list, next, err := s.News.Due(n)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range list {
		text = append(text, strings.TrimSpace(fmt.Sprintf("%s %s %s", n.Kind, n.Account, n.About)))
	}
	return list, text, next
}

func wantDue(t testing.TB, s *Store, want ...string) []news.Item {
	t.Helper()
	list, text, _ := dueNews(t, s, 100)
	if !slices.Equal(text, want) {
		t.Errorf("due are %q, want %q", text, want)
	}
	return list
}

func mailTo(address string) spool.Notice {
	_, domain, _ := strings.Cut(address, "@")
	return spool.Notice{Body: []byte("x\r\n"), Message: spooled.Message{Expires: epoch.AddDate(1, 0, 0), Recipients: []spooled.Recipient{{Address: address, Domain: domain}}}}
}

func tellAll(t testing.TB, s *Store) {
	t.Helper()
	list, _, _ := dueNews(t, s, 1000)
	for i := range list {
		if _, err := s.Telling(&list[i]); err != nil {
			t.Fatal(err)
		}
		if err := s.Tell(&list[i], []spool.Notice{mailTo("boss@acme.test")}); err != nil {
			t.Fatal(err)
		}
	}
}

// ownMails are those of relay's own in the spool, as the trace names them.
func ownMails(t testing.TB, s *Store) (list []string) {
	t.Helper()
	all, err := s.Spool.Sweep(spooled.ID{}, epoch.AddDate(10, 0, 0), 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if m.Own != "" {
			list = append(list, string(m.Own))
		}
	}
	return list
}

// Each kind remembers what it has told in its way.
func TestNews_toldOnce(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	for _, x := range []struct {
		add  news.Item
		want bool
	}{
		{news.Item{Kind: news.Reached, About: "2026-11/1"}, true},
		{news.Item{Kind: news.Reached, About: "2026-11/1"}, false},
		{news.Item{Kind: news.Reached, About: "2026-11/2"}, true},
		{news.Item{Kind: news.Reached, About: "2026-12/2"}, true},
		{news.Item{Kind: news.Slowed, About: "1"}, true},
		{news.Item{Kind: news.Slowed, About: "2"}, true},
		{news.Item{Kind: news.Slowed, About: "1"}, false},
		{news.Item{Kind: news.Held, About: "Google"}, true},
		{news.Item{Kind: news.Held, About: "Google"}, true},
	} {
		x.add.Account = "acme"
		addNews(t, s, x.add, x.add)
		list, _, _ := dueNews(t, s, 10)
		if len(list) == 1 != x.want || len(list) > 1 {
			t.Errorf("%+v: %d pieces of news, want it: %v", x.add, len(list), x.want)
		}
		tellAll(t, s)
		if len(list) == 1 { // a second time it does nothing
			if err := s.Tell(&list[0], []spool.Notice{mailTo("boss@acme.test")}); err != nil {
				t.Error(err)
			}
		}
		c.add(time.Second)
	}
	if n := len(ownMails(t, s)); n != 7 {
		t.Errorf("%d mails, want 7: %q", n, ownMails(t, s))
	}
}

// A kill between any two steps neither loses news nor tells them twice.
func TestNews_killed(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{Emails: 1})
	accept(t, s, "acme", 100, "x@d.test")
	for range 3 {
		s = killed(t, s, c)
		list := wantDue(t, s, "reached acme 2026-11/1/0/0/0")
		if told, err := s.Telling(&list[0]); err != nil || told == nil || told.Report == nil || told.Report.Usage.Charged.Messages != 1 {
			t.Fatalf("Telling = %+v, %v", told, err)
		}
	}
	list := wantDue(t, s, "reached acme 2026-11/1/0/0/0")
	if err := s.News.PutOff(&list[0], c.now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	s = killed(t, s, c)
	wantDue(t, s)
	c.add(time.Hour)
	tellAll(t, s)
	for range 2 {
		s = killed(t, s, c)
		wantDue(t, s)
		refusedFor(t, s, "acme", 1)
		wantDue(t, s)
		if got := ownMails(t, s); !slices.Equal(got, []string{"news reached"}) {
			t.Errorf("mails %q", got)
		}
	}
}

// refusedFor has so many e-mails refused for the limit, as MAIL and RCPT ask.
func refusedFor(t testing.TB, s *Store, account string, emails int64) {
	t.Helper()
	no, err := s.Standings.Permit(account, "", quota.Charge{Messages: emails, Bytes: emails})
	if err != nil || no == nil || no.Exceeded == nil {
		t.Fatalf("Permit = %+v, %v", no, err)
	}
}

// With an account goes what it was to be told, and what is remembered of it: another account
// may get its name.
func TestNews_accountRemoved(t *testing.T) {
	s, _ := newStore(t)
	for _, name := range []string{"acme", "acme2"} {
		addAccount(t, s, name, quota.Plan{})
		addNews(t, s, news.Item{Kind: news.Reached, Account: name, About: "1"}, news.Item{Kind: news.Ending, Account: name, About: "1"})
	}
	tellAll(t, s)
	for _, name := range []string{"acme", "acme2"} {
		addNews(t, s, news.Item{Kind: news.Usage, Account: name, About: "1"}, news.Item{Kind: news.Ending, Account: name, About: "2"})
	}
	if err := s.RemoveAccount(behalf.Order{}, "acme"); err != nil {
		t.Fatal(err)
	}
	list := wantDue(t, s, "ending acme2 2", "usage acme2 1")
	if err := s.RemoveAccount(behalf.Order{}, "acme2"); err != nil { // between the two steps
		t.Fatal(err)
	}
	if told, err := s.Telling(&list[0]); told != nil || err != nil {
		t.Errorf("Telling = %+v, %v", told, err)
	}
	if err := s.Tell(&list[0], nil); err != nil {
		t.Error(err)
	}
	addAccount(t, s, "acme", quota.Plan{})
	addNews(t, s, news.Item{Kind: news.Reached, Account: "acme", About: "1"})
	wantDue(t, s, "reached acme 1")
}

// What the limit does is told at once: once a period and allowance.
func TestNews_limit(t *testing.T) {
	s, c := newBooks(t)
	capped := free
	capped.Name, capped.OverMax = "capped", gb
	order(t, s, "stops", free, quota.Suspend)
	order(t, s, "goes", capped, quota.Continue)
	refusedOver(t, s, "stops", gb+1) // it fits into no month
	mustSend(t, s, "stops", gb-10, 1)
	mustSend(t, s, "goes", gb-10, 1)
	wantDue(t, s)
	for range 3 {
		refusedOver(t, s, "stops", 11)
	}
	list := wantDue(t, s, "reached stops 2026-11/100000/1000000000/0/0")
	if list[0].Reason != news.ReasonRefused || list[0].Period() != "2026-11" {
		t.Errorf("%+v", list[0])
	}
	tellAll(t, s)
	mustSend(t, s, "stops", 10, 1)
	refusedOver(t, s, "stops", 1)
	wantDue(t, s)

	mustSend(t, s, "goes", 10, 1)
	wantDue(t, s) // for some minutes
	mustSend(t, s, "goes", 20, 1)
	mustSend(t, s, "goes", 20, 1)
	wantDue(t, s, "overage goes 2026-11/100000/1000000000/0/1000000000")
	c.add(5 * time.Minute)
	list = wantDue(t, s, "overage goes 2026-11/100000/1000000000/0/1000000000", "reached goes 2026-11/100000/1000000000/0/1000000000")
	if told, err := s.Telling(&list[1]); told != nil || err != nil {
		t.Errorf("told that the allowance is used, beside overage: %+v, %v", told, err)
	}
	tellAll(t, s)
	mustSend(t, s, "goes", gb-40, 1)
	refusedOver(t, s, "goes", 1)
	wantDue(t, s, "ceiling goes 2026-11/100000/1000000000/0/1000000000")
	tellAll(t, s)
	if _, err := s.Orders.ChangeAccount(behalf.Order{}, "goes", func(a *books.Account) (orders.Change, error) { a.OverMax = 2 * gb; return orders.Change{}, nil }); err != nil {
		t.Fatal(err)
	}
	mustSend(t, s, "goes", gb, 1)
	wantDue(t, s, "ceiling goes 2026-11/100000/1000000000/0/2000000000")
	tellAll(t, s)

	c.set(december.Add(time.Hour))
	mustSend(t, s, "stops", 1, 1)
	refusedOver(t, s, "stops", gb)
	mustSend(t, s, "goes", gb, 1)
	c.add(5 * time.Minute)
	wantDue(t, s, "invoice goes 1", "reached stops 2026-12/100000/1000000000/0/0", "reached goes 2026-12/100000/1000000000/0/2000000000")
	verify(t, s)
}

// refusedOver has a message refused, at MAIL already.
func refusedOver(t testing.TB, s *Store, account string, size int64) {
	t.Helper()
	for range 3 {
		no, err := s.Standings.Permit(account, "", quota.Charge{Messages: 1, Bytes: size})
		if err != nil || no == nil || no.Exceeded == nil {
			t.Fatalf("Permit = %+v, %v", no, err)
		}
	}
	if no := send(t, s, account, size, 1); no == nil || no.Exceeded == nil {
		t.Fatalf("taken: %+v", no)
	}
}

// A month's term that is used up is news, unless the next one is paid and begins.
func TestNews_limitOfATermThatFollows(t *testing.T) {
	s, _ := newBooks(t)
	small := quota.Plan{Name: "small", Term: quota.Month, Emails: 10}
	if err := s.Books.AddPlan(small); err != nil {
		t.Fatal(err)
	}
	order(t, s, "one", small, "")
	order(t, s, "two", small, "")
	if _, err := s.Orders.Renew(behalf.Order{}, "two", ""); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"one", "two"} {
		mustSend(t, s, name, 10, 10)
	}
	list, text, _ := dueNews(t, s, 10)
	if len(list) != 1 || list[0].Account != "one" || list[0].Kind != news.Reached {
		t.Errorf("due are %q", text)
	}
	mustSend(t, s, "two", 10, 1)
}

// Refusals beyond the first of a period write nothing.
func TestNews_limitWritesOnce(t *testing.T) {
	s, _ := newBooks(t)
	order(t, s, "acme", quota.Plan{Name: "few", Term: quota.Year, Emails: 3}, "")
	mustSend(t, s, "acme", 1, 1)
	before, _ := s.Commits()
	for range 50 {
		refusedFor(t, s, "acme", 4)
	}
	if after, _ := s.Commits(); after != before+1 {
		t.Errorf("%d commits, want 1", after-before)
	}
}

// That mail goes slower at a provider is told once a week, and of each provider.
func TestSlowAccount(t *testing.T) {
	s, c := newStore(t)
	addAccount(t, s, "acme", quota.Plan{})
	for _, x := range []struct {
		account, provider string
		after             time.Duration
		want              int
	}{{"acme", "Google", 0, 1}, {"acme", "Google", 6 * 24 * time.Hour, 0}, {"acme", "GMX", 0, 1}, {"acme", "Google", 24 * time.Hour, 1}, {"gone", "Google", 0, 0}} {
		c.add(x.after)
		if err := s.Spool.SlowAccount(x.account, x.provider, "blame", "421 slow down"); err != nil {
			t.Fatal(err)
		}
		if list, _, _ := dueNews(t, s, 10); len(list) != x.want {
			t.Errorf("%+v: %+v", x, list)
		}
		tellAll(t, s)
	}
}
