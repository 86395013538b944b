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
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/news"
	"relay/store/orders"
	"relay/store/room"
	"relay/store/standing"
)

// lookAt looks as of the present day, and returns what is told then.
func lookAt(t testing.TB, s *Store) (list []string) {
	t.Helper()
	l := standing.Look{Near: 90, Day: s.Now().In(s.zone).AddDate(0, 0, -1).Format(time.DateOnly)}
	l.Found = func(account string, n *news.Item, err error) {
		if err != nil {
			t.Errorf("look at %s: %v", account, err)
			return
		}
		list = append(list, fmt.Sprintf("%s %s %d", account, n.Kind, n.Step))
	}
	if err := s.Standings.LookAtUse(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

// A day's use, and what the look of the next morning finds.
func TestLookAtUse(t *testing.T) {
	type day struct {
		mb   int64
		want string
	}
	few := quota.Plan{Name: "few", Term: quota.Year, Emails: 100}
	wide := free
	wide.Name, wide.OverMax = "wide", quota.Uncapped
	for name, x := range map[string]struct {
		plan  quota.Plan
		limit quota.AtLimit
		days  []day
	}{
		"each tenth":         {free, quota.Suspend, []day{{50, ""}, {284, "usage 3"}, {10, ""}, {60, "usage 4"}, {0, ""}, {350, "usage 7"}}},
		"near":               {free, quota.Suspend, []day{{890, "usage 8"}, {15, "near 0"}, {15, ""}, {80, "reached"}, {0, ""}}},
		"near at once":       {free, quota.Suspend, []day{{950, "near 0"}, {10, ""}}},
		"refused":            {free, quota.Suspend, []day{{950, "near 0"}, {100, "reached"}, {10, ""}}},
		"overage":            {silver, quota.Continue, []day{{950, "near 0"}, {100, "overage"}, {400, ""}, {51, "overage-step 1"}, {20, ""}, {2000, "overage-step 5"}, {2479, "ceiling"}, {100, ""}}},
		"overage, no limit":  {wide, quota.Continue, []day{{1150, "overage, overage-step 1"}, {0, ""}, {2000, "overage-step 21"}}},
		"e-mails":            {few, "", []day{{9, ""}, {1, "usage 1"}, {79, "usage 8"}, {1, "near 0"}, {10, "reached"}}},
		"no limit":           {quota.Plan{Name: "open", Term: quota.Year}, "", []day{{5000, ""}, {5000, ""}}},
		"just the allowance": {free, quota.Continue, []day{{1000, "reached"}, {0, ""}, {10, "overage"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := newBooks(t)
			r := order(t, s, "acme", x.plan, x.limit)
			if len(r.Invoices) > 0 {
				pay(t, s, r.Invoices[0].Number, 0, "a")
			}
			tellAll(t, s) // what the order says is told
			c.set(time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC))
			for i, d := range x.days {
				size, n := d.mb*mb, 1
				if x.plan.Bandwidth == 0 {
					size, n = 100, int(d.mb)
				}
				if d.mb > 0 {
					send(t, s, "acme", size, n)
				}
				c.add(20 * time.Hour)
				got := []string{}
				list, _, _ := dueNews(t, s, 10)
				for i := range list {
					told, err := s.Telling(&list[i])
					if err != nil {
						t.Fatal(err)
					}
					if told != nil && list[i].Kind != news.Month {
						got = append(got, string(list[i].Kind))
					}
				}
				tellAll(t, s)
				for _, l := range append(lookAt(t, s), lookAt(t, s)...) {
					got = append(got, strings.TrimPrefix(l, "acme "))
				}
				tellAll(t, s)
				if strings.Join(got, ", ") != d.want {
					t.Errorf("day %d, %d MB more: told %q, want %q", i+1, d.mb, got, d.want)
				}
				c.add(4 * time.Hour)
			}
			c.set(time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)) // the month has turned
			if got := lookAt(t, s); len(got) != 0 {
				t.Errorf("at the turn of the month: %q", got)
			}
		})
	}
}

// An upgrade makes no news of what was used before it, and the limit is near anew.
func TestLookAtUse_upgrade(t *testing.T) {
	s, c := newBooks(t)
	c.set(time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC))
	order(t, s, "acme", free, quota.Suspend)
	var told []string
	look := func() {
		t.Helper()
		told = append(told, strings.Join(lookAt(t, s), " "))
		tellAll(t, s)
	}
	mustSend(t, s, "acme", 950*mb, 1)
	look()
	big := free
	big.Bandwidth, big.Emails = 2*gb, 200_000
	if _, err := s.Orders.ChangeAccount(behalf.Order{}, "acme", change(orders.Change{Plan: &big})); err != nil {
		t.Fatal(err)
	}
	look()
	mustSend(t, s, "acme", 60*mb, 1)
	look()
	mustSend(t, s, "acme", 850*mb, 1)
	look()
	if want := []string{"acme near 0", "", "acme usage 5", "acme near 0"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

// A day's use is told to accounts that chose that, if there was any; nothing else by choice
// to those that chose nothing.
func TestLookAtUse_choice(t *testing.T) {
	s, c := newBooks(t)
	c.set(time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC))
	for name, topics := range map[string][]news.Topic{"all": {news.TopicDaily, news.TopicUsage}, "daily": {news.TopicDaily}, "none": {}, "usual": nil} {
		if _, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: name, AtLimit: quota.Suspend, Notify: topics}, Plan: free, Activate: true}); err != nil {
			t.Fatal(err)
		}
	}
	var told []string
	for i, size := range []int64{50 * mb, 0, 300 * mb, 5 * mb, 0, 600 * mb} {
		for _, name := range []string{"all", "daily", "none", "usual"} {
			if size > 0 {
				mustSend(t, s, name, size, 1)
			}
		}
		c.add(20 * time.Hour)
		told = append(told, strings.Join(lookAt(t, s), ", "))
		if i%2 == 0 { // mail of the new day makes an entry of the old one
			mustSend(t, s, "daily", 1, 1)
		}
		if again := lookAt(t, s); len(again) > 0 {
			t.Errorf("told again: %q", again)
		}
		tellAll(t, s)
		c.add(4 * time.Hour)
	}
	want := []string{"all daily 0, daily daily 0", "daily daily 0", "all usage 3, daily daily 0, usual usage 3", "all daily 0, daily daily 0", "",
		"all near 0, daily near 0, none near 0, usual near 0"}
	if !slices.Equal(told, want) {
		t.Errorf("told\n%q, want\n%q", told, want)
	}
}

// What is stored is not told twice after a kill, and an account that cannot be read holds up
// no other.
func TestLookAtUse_killedAndBroken(t *testing.T) {
	s, c := newBooks(t)
	for _, name := range []string{"a", "b", "c", "d"} {
		order(t, s, name, free, quota.Suspend)
		mustSend(t, s, name, 500*mb, 1)
	}
	if _, err := s.Orders.ChangeAccount(behalf.Order{}, "d", func(a *books.Account) (orders.Change, error) { a.State = ledger.Suspended; return orders.Change{}, nil }); err != nil {
		t.Fatal(err)
	}
	k := killed(t, s, c)
	if got := lookAt(t, k); !slices.Equal(got, []string{"a usage 5", "b usage 5", "c usage 5"}) {
		t.Errorf("told %q", got)
	}
	k = killed(t, k, c)
	if got := lookAt(t, k); len(got) != 0 {
		t.Errorf("told again after a kill: %q", got)
	}
	if _, text, _ := dueNews(t, k, 10); strings.Count(strings.Join(text, "|"), "usage") != 3 {
		t.Errorf("due are %q", text)
	}

	raw := []byte(nil)
	put := func(v []byte) {
		if err := s.update(0, func(t *tx) error {
			raw = slices.Clone(t.Get(bucket.Usage, room.Pair("b", "2026-11")))
			return t.Put(bucket.Usage, room.Pair("b", "2026-11"), v)
		}); err != nil {
			t.Fatal(err)
		}
	}
	put([]byte("{"))
	var found []string
	err := s.Standings.LookAtUse(t.Context(), standing.Look{Near: 90, Found: func(account string, _ *news.Item, err error) {
		found = append(found, fmt.Sprintf("%s %v", account, err != nil))
	}})
	put(raw)
	if slices.Sort(found); err != nil || !slices.Equal(found, []string{"a false", "b true", "c false"}) {
		t.Errorf("found %q, %v", found, err)
	}
}

// The daily report after the turn of a month is about the last day of the month before.
func TestLookAtUse_dailyAfterTheTurn(t *testing.T) {
	s, c := newBooks(t)
	c.set(time.Date(2026, 12, 30, 12, 0, 0, 0, time.UTC))
	order(t, s, "acme", free, quota.Suspend)
	if _, err := s.Orders.ChangeAccount(behalf.Order{}, "acme", func(a *books.Account) (orders.Change, error) {
		a.Notify = []news.Topic{news.TopicDaily}
		return orders.Change{}, nil
	}); err != nil {
		t.Fatal(err)
	}
	c.add(24 * time.Hour)
	mustSend(t, s, "acme", mb, 7)
	c.set(time.Date(2027, 1, 1, 8, 30, 0, 0, time.UTC))
	mustSend(t, s, "acme", mb, 2) // which closes December
	for range 2 {
		got := lookAt(t, s)
		list, _, _ := dueNews(t, s, 10)
		i := slices.IndexFunc(list, func(n news.Item) bool { return n.Kind == news.Daily })
		if i < 0 {
			t.Fatalf("no report; the look found %q", got)
		}
		told, err := s.Telling(&list[i])
		if err != nil || told == nil {
			t.Fatalf("Telling = %+v, %v", told, err)
		}
		if days := told.Report.Days; told.Report.Period.Key != "2026-12" || len(days) != 1 || days[0].Day != "2026-12-31" || days[0].Emails != 7 {
			t.Errorf("it tells of period %s, days %+v", told.Report.Period.Key, days)
		}
	}
	tellAll(t, s)
	if got := lookAt(t, s); len(got) > 0 {
		t.Errorf("told again: %q", got)
	}
}

// A message that did not fit has told that the limit is reached: the look of the next
// morning does not tell that it is near, unless much of it was left then.
func TestLookAtUse_afterRefusal(t *testing.T) {
	for _, x := range []struct {
		size int64
		want string
	}{{930, ""}, {100, "acme near 0"}} {
		s, _ := newBooks(t)
		order(t, s, "acme", free, quota.Suspend)
		tellAll(t, s)
		send(t, s, "acme", x.size*mb, 1)
		st, err := s.Standings.Standing("acme")
		if err != nil {
			t.Fatal(err)
		}
		s.Standings.TellRefused(&st, &standing.Refusal{Account: "acme", Exceeded: &quota.Exceeded{Used: st.Used.Charged}})
		tellAll(t, s)
		if x.size < 930 {
			send(t, s, "acme", 830*mb, 1)
		}
		if got := strings.Join(lookAt(t, s), ", "); got != x.want {
			t.Errorf("refused after %d MB: told %q, want %q", x.size, got, x.want)
		}
	}
}
