package store

import (
	"errors"
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
	"relay/store/people"
	"relay/store/room"
	"relay/store/spool"
	"relay/store/spooled"
)

// pendingNews of an account in short, by kind: of some kinds, or all that the books cause.
func pendingNews(t fataler, s *Store, account string, kinds ...news.Kind) (list []string) {
	t.Helper()
	for _, n := range newsIn(t, s, account) {
		if slices.Contains(kinds, n.Kind) || len(kinds) == 0 && !slices.Contains([]news.Kind{news.Reached, news.Overage, news.Ceiling}, n.Kind) {
			list = append(list, strings.TrimSpace(string(n.Kind)+" "+n.About+" "+n.Reason))
		}
	}
	return list
}

func newsIn(t fataler, s *Store, account string) (list []news.Item) {
	t.Helper()
	err := s.view(func(t *tx) (err error) {
		list, err = room.All[news.Item](&t.Tx, bucket.NewsOf, room.Pair(account, ""))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// tellNews tells what is due of some kinds, all without kinds, and returns what was told.
func tellNews(t fataler, s *Store, kinds ...news.Kind) (list []*Told) {
	t.Helper()
	due, _, err := s.News.Due(1000)
	if err != nil {
		t.Fatal(err)
	}
	for i := range due {
		n := &due[i]
		if len(kinds) > 0 && !slices.Contains(kinds, n.Kind) {
			continue
		}
		w, err := s.Telling(n)
		if err != nil {
			t.Fatal(err)
		}
		var mails []spool.Notice
		if w != nil {
			list = append(list, w)
			mails = []spool.Notice{{Body: []byte("Subject: ends\r\n\r\n"), Message: spooled.Message{Expires: s.Now().AddDate(0, 0, 9), MessageID: "<1@relay.test>",
				Recipients: []spooled.Recipient{{Address: "boss@acme.test", Domain: "acme.test"}}}}}
		}
		if err := s.Tell(n, mails); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// wantNews are exactly those that wait of an account; then they are told.
func wantNews(t testing.TB, when string, s *Store, account string, want ...string) {
	t.Helper()
	if got := pendingNews(t, s, account); !slices.Equal(got, want) {
		t.Errorf("%s: news %q, want %q", when, got, want)
	}
	err := s.update(0, func(t *tx) error {
		list, err := room.All[news.Item](&t.Tx, bucket.NewsOf, nil)
		for i := range list {
			err = errors.Join(err, s.News.Take(&t.Tx, &list[i], &list[i]), t.noteTold(&list[i]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// withContact adds an account that is told by mail.
func withContact(t testing.TB, s *Store, a books.Account, p quota.Plan) {
	t.Helper()
	a.Name, a.Contact = "acme", "boss@acme.test"
	if _, err := s.Orders.AddAccount(behalf.Order{By: "op"}, orders.NewAccount{Account: a, Plan: p}); err != nil {
		t.Fatal(err)
	}
}

func done(t testing.TB) func(orders.Receipt, error) orders.Receipt {
	return func(r orders.Receipt, err error) orders.Receipt {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// remindNow returns the invoices that the customers are reminded of.
func remindNow(t testing.TB, s *Store) (list []string) {
	t.Helper()
	err := s.Orders.RemindBy(t.Context(), s.Now(), func(i ledger.Invoice, err error) {
		if err != nil {
			t.Error(err)
		}
		list = append(list, i.Name)
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Of each order the customer is told once, and of a dry run nothing.
func TestDeal_news(t *testing.T) {
	s, c := newBooks(t)
	must := done(t)
	withContact(t, s, books.Account{AtLimit: quota.Continue}, silver)
	wantNews(t, "ordered", s, "acme", "order 1")
	pay(t, s, 1, 5000, "part")
	wantNews(t, "a part is paid", s, "acme", "receipt 2")
	pay(t, s, 1, 0, "rest")
	wantNews(t, "paid", s, "acme", "receipt 3")

	must(s.Orders.Suspend(behalf.Order{DryRun: true}, "acme", "spam"))
	wantNews(t, "a dry run", s, "acme")
	must(s.Orders.Suspend(behalf.Order{By: "op"}, "acme", "spam"))
	must(s.Orders.Suspend(behalf.Order{By: "op"}, "acme", "more spam"))
	wantNews(t, "suspended, twice", s, "acme", "suspended 6")
	must(s.Orders.Resume(behalf.Order{By: "op"}, "acme"))
	must(s.Orders.Resume(behalf.Order{By: "op"}, "acme"))
	wantNews(t, "resumed, twice", s, "acme", "resumed 8")
	abuse := "spam trap"
	must(s.Orders.ChangeAccount(behalf.Order{}, "acme", func(a *books.Account) (orders.Change, error) {
		a.State, a.Reason = ledger.Suspended, abuse
		return orders.Change{Abuse: &abuse}, nil
	}))
	wantNews(t, "suspended for abuse", s, "acme", "suspended 9 abuse")
	must(s.Orders.Resume(behalf.Order{}, "acme"))
	wantNews(t, "resumed", s, "acme", "resumed 11")

	must(s.Orders.Upgrade(behalf.Order{DryRun: true}, "acme", "gold"))
	must(s.Orders.BuyBlock(behalf.Order{DryRun: true}, "acme", gb, 1))
	must(s.Orders.Renew(behalf.Order{DryRun: true}, "acme", ""))
	wantNews(t, "dry runs", s, "acme")
	must(s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 1))
	wantNews(t, "a block", s, "acme", "invoice 2")
	must(s.Orders.Renew(behalf.Order{}, "acme", ""))
	wantNews(t, "a renewal", s, "acme", "order 3")
	must(s.Orders.CancelInvoice(behalf.Order{}, 3, "not wanted"))
	wantNews(t, "cancelled", s, "acme", "invoice 4")

	c.add(14*24*time.Hour - time.Second)
	if got := remindNow(t, s); got != nil {
		t.Errorf("reminded of %q before the due date", got)
	}
	c.add(time.Second)
	if got := remindNow(t, s); !slices.Equal(got, []string{"2"}) {
		t.Errorf("reminded of %q, want 2", got)
	}
	wantNews(t, "reminded, after a month has passed", s, "acme", "month 2026-11", "overdue 2")
	if got := remindNow(t, s); got != nil {
		t.Errorf("reminded of %q again", got)
	}
	c.add(7 * 24 * time.Hour)
	for range 2 {
		if _, err := dunNow(t.Context(), s); err != nil || remindNow(t, s) != nil {
			t.Errorf("dun: %v", err)
		}
	}
	wantNews(t, "held back", s, "acme", "suspended 18 unpaid")
	pay(t, s, 2, 0, "block")
	wantNews(t, "the block is paid", s, "acme", "receipt 19", "resumed 20 paid")
	must(s.Orders.ReversePayment(behalf.Order{}, orders.Reversal{Invoice: 2, Reference: "block", Text: "bounced"}))
	wantNews(t, "and the payment taken back", s, "acme", "reversal 21")
	c.add(time.Hour)
	if got := remindNow(t, s); got != nil {
		t.Errorf("reminded of %q, which the reversal told", got)
	}
	must(s.Orders.CloseAccount(behalf.Order{}, "acme", "wants no more"))
	wantNews(t, "closed", s, "acme", "ended 2026-11 closed", "month 2026-12")
	pay(t, s, 2, 0, "late")
	wantNews(t, "the debt is paid", s, "acme", "receipt 25")
	must(s.Orders.Correct(behalf.Order{}, "acme", orders.Correction{Money: 100, Text: "kind"}))
	wantNews(t, "a correction", s, "acme", "correction 26")
	if err := s.RemoveAccount(behalf.Order{}, "acme"); err == nil {
		t.Error("it is owed something")
	}
}

// What an order pays back is told in one sum, and so is what is paid back by hand; credit and
// money that are given by hand are told apart.
func TestDeal_newsOfMoneyBack(t *testing.T) {
	s, _ := newBooks(t)
	must := done(t)
	withContact(t, s, books.Account{}, silver)
	pay(t, s, 1, 0, "a")
	wantNews(t, "paid", s, "acme", "order 1", "receipt 2")
	must(s.Orders.Correct(behalf.Order{}, "acme", orders.Correction{Money: 700, Units: mb, Text: "kind"}))
	wantNews(t, "a gift", s, "acme", "correction 6", "credit 5")
	must(s.Orders.Correct(behalf.Order{DryRun: true}, "acme", orders.Correction{Money: -100, Text: "sent", PaidBack: true}))
	wantNews(t, "a dry run", s, "acme")
	must(s.Orders.Correct(behalf.Order{}, "acme", orders.Correction{Money: -200, Text: "sent", PaidBack: true}))
	if list := newsIn(t, s, "acme"); len(list) != 1 || list[0].Kind != news.Refund || list[0].Money != 200 || list[0].Why != "sent" {
		t.Errorf("paid back by hand: %+v", list)
	}
	told := tellNews(t, s)
	if len(told) != 1 || told[0].Entry.Kind != ledger.KindRefund || told[0].Account.Balance != 500 {
		t.Errorf("told %+v", told)
	}
	must(s.Orders.RecordPayment(behalf.Order{}, ledger.Payment{Account: "acme", Method: "bank", Reference: "b", Amount: 900}))
	wantNews(t, "paid ahead", s, "acme", "receipt 8")
	r := must(s.Orders.Refund(behalf.Order{}, "acme"))
	var back []news.Item
	for _, n := range newsIn(t, s, "acme") {
		if n.Kind == news.Refund {
			back = append(back, n)
		}
	}
	if len(back) != 1 || back[0].Money != r.Amount || r.Amount == 0 {
		t.Errorf("refunded %d: %+v", r.Amount, back)
	}
	verify(t, s)
}

// What a period came to is told at the hour of the daily look; its payment request with it,
// where the account is told of months at all.
func TestDeal_monthNews(t *testing.T) {
	look := december.Add(8*time.Hour + 30*time.Minute)
	for _, c := range []struct {
		name string
		a    books.Account
		send int64
		want []string
	}{
		{"without use or money", books.Account{}, 0, nil},
		{"with use", books.Account{}, mb, []string{"month 2026-11"}},
		{"with overage", books.Account{AtLimit: quota.Continue}, 1500 * mb, []string{"month 2026-11"}},
		{"that is not wanted", books.Account{Notify: []news.Topic{}}, mb, nil},
		{"with overage, not wanted", books.Account{AtLimit: quota.Continue, Notify: []news.Topic{news.TopicDaily}}, 1500 * mb, []string{"invoice 1"}},
		{"below a reseller", books.Account{AtLimit: quota.Continue, Reseller: "webco"}, 1500 * mb, []string{"invoice 1", "month 2026-11"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, clock := newBooks(t)
			s.SetLook(func(at time.Time) time.Time { return look })
			if err := s.People.AddReseller(people.Reseller{Name: "webco"}); err != nil {
				t.Fatal(err)
			}
			withContact(t, s, c.a, free)
			if c.send > 0 {
				mustSend(t, s, "acme", c.send, 1)
			}
			clock.set(december.Add(time.Minute))
			closeDue(t, s, 1)
			for _, n := range newsIn(t, s, "acme") {
				if n.Kind == news.Month && (!n.Due.Equal(look) || !n.Since.Equal(december)) {
					t.Errorf("due %v, since %v", n.Due, n.Since)
				}
			}
			wantNews(t, "closed", s, "acme", c.want...)
		})
	}
}

// The first message of a month closes the one before, with the same news.
func TestDeal_newsOfIntake(t *testing.T) {
	s, c := newBooks(t)
	withContact(t, s, books.Account{AtLimit: quota.Continue}, free)
	mustSend(t, s, "acme", 1500*mb, 1)
	c.set(december.Add(time.Minute))
	mustSend(t, s, "acme", mb, 1)
	wantNews(t, "closed", s, "acme", "month 2026-11")
	closeDue(t, s, 0)
	wantNews(t, "once", s, "acme")
}

// Money alone is worth a report: an account without mail that pays.
func TestDeal_monthOfMoney(t *testing.T) {
	s, c := newBooks(t)
	withContact(t, s, books.Account{}, silver)
	pay(t, s, 1, 0, "a")
	c.set(december)
	closeDue(t, s, 1)
	wantNews(t, "November", s, "acme", "month 2026-11", "order 1", "receipt 2")
	c.set(december.AddDate(0, 1, 1))
	closeDue(t, s, 1)
	wantNews(t, "December", s, "acme")
}

// Mail of the month before that was given up is worth a report, and a list of errors.
func TestDeal_monthOfErrors(t *testing.T) {
	s, c := newBooks(t)
	withContact(t, s, books.Account{}, free)
	mustSend(t, s, "acme", mb, 1)
	c.set(december.Add(time.Hour))
	list := claim(t, s, "d.test", "acme", 9)
	if len(list) != 1 {
		t.Fatalf("%d to claim, want 1", len(list))
	}
	settle(t, s, list[0], spooled.Failed)
	closeDue(t, s, 1)
	wantNews(t, "November", s, "acme", "month 2026-11")
	for month, want := range [][]string{{"month 2026-12"}, nil} {
		c.set(december.AddDate(0, month+1, 2))
		closeDue(t, s, 1)
		wantNews(t, "later", s, "acme", want...)
	}
}

// An account that nobody uses is told when its last term is over, and so is one of 30 days.
// One that goes on is not.
func TestDeal_newsOfEnd(t *testing.T) {
	monthly := quota.Plan{Name: "thirty", Term: quota.Month, Emails: 100}
	for _, c := range []struct {
		plan quota.Plan
		days int
		want []string
	}{{fleeting, 365, []string{"ended 2026-11"}}, {free, 365, nil}, {monthly, 30, []string{"ended 2026-11-23"}}} {
		s, clock := newBooks(t)
		withContact(t, s, books.Account{}, c.plan)
		clock.add(time.Duration(c.days)*24*time.Hour - 37*time.Hour)
		if _, err := closeNow(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		wantNews(t, "the day before "+c.plan.Name+" ends", s, "acme")
		clock.add(49 * time.Hour)
		closeDue(t, s, 1)
		wantNews(t, c.plan.Name+" is over", s, "acme", c.want...)
	}
}

// A store that was not open for a year tells nothing of what is long past.
func TestDeal_lateNews(t *testing.T) {
	s, c := newBooks(t)
	withContact(t, s, books.Account{AtLimit: quota.Continue}, fleeting)
	mustSend(t, s, "acme", 1500*mb, 1)
	c.add(500 * 24 * time.Hour)
	closeDue(t, s, 1)
	wantNews(t, "500 days later", s, "acme", "invoice 1")
}

// What waits to be told of an account goes with it.
func TestDeal_newsOfRemoved(t *testing.T) {
	s, _ := newBooks(t)
	withContact(t, s, books.Account{}, free)
	done(t)(s.Orders.Suspend(behalf.Order{}, "acme", "spam"))
	if got := pendingNews(t, s, "acme"); len(got) != 1 {
		t.Fatalf("news %q", got)
	}
	if err := s.RemoveAccount(behalf.Order{}, "acme"); err != nil {
		t.Fatal(err)
	}
	wantNews(t, "removed", s, "acme")
}

// newsFollow: what is to be told of an account to which nothing was told yet follows from its
// ledger, no less and no more.
func newsFollow(t fataler, s *Store, a *books.Account) {
	t.Helper()
	want, may, with := map[string]bool{}, map[string]bool{}, map[string]string{} // with: a period's invoice, by its report
	var entries []ledger.Entry
	if err := s.Books.Ledger(a.Name, func(e *ledger.Entry) error { entries = append(entries, *e); return nil }); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		seq := " " + ledger.NumberText(e.Seq)
		switch e.Kind {
		case ledger.KindInvoice:
			if i, err := s.Books.Invoice(e.Invoice()); err != nil {
				t.Fatal(err)
			} else if i.Kind == ledger.ForOrder || i.Kind == ledger.ForRenewal { // as it stood after its order
				may["order "+e.Ref], may["invoice "+e.Ref] = true, true
				continue
			}
			want["invoice "+e.Ref] = true
			if e.For == ledger.ForOverage {
				with["month "+e.Period] = "invoice " + e.Ref
			}
		case ledger.KindClosed:
			may["month "+e.Period] = true
		case ledger.KindCreditNote:
			want["invoice "+e.Ref] = true
		case ledger.KindPayment:
			want["receipt"+seq] = true
		case ledger.KindReversal:
			want["reversal"+seq] = true
		case ledger.KindRefund: // those of an order are told together
			may["refund"+seq] = true
		case ledger.KindCorrection:
			switch {
			case e.Cause != "":
			case e.Money != 0:
				want["correction"+seq] = true
			case e.Units > 0:
				want["credit"+seq] = true
			}
		case ledger.KindWarned:
			want[fmt.Sprintf("ending %s %d", e.Period, e.Days)] = true
		case ledger.KindSuspended, ledger.KindResumed:
			may[string(e.Kind)+seq] = true
		}
	}
	for _, c := range a.Contracts {
		may["ended "+c.TermKey()] = true
	}
	for _, n := range newsIn(t, s, a.Name) {
		text := string(n.Kind) + " " + n.About
		switch n.Kind {
		case news.Order, news.Invoice, news.Receipt, news.Reversal, news.Refund, news.Correction, news.Credit, news.Suspended, news.Resumed, news.Ending, news.Ended, news.Month:
			if !want[text] && !may[text] {
				t.Fatal(a.Name + ": no entry is behind the news " + text)
			}
			delete(want, text)
			if request := with[text]; request != "" && !want[request] {
				t.Fatal(a.Name + ": told with the report and alone: " + request)
			}
			delete(want, with[text])
		}
	}
	for text := range want {
		t.Fatal(a.Name + ": not told: " + text)
	}
}
