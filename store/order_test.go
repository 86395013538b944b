package store

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/orders"
)

// papers of an account's invoices, with their states.
func papers(t testing.TB, s *Store, name string) string {
	t.Helper()
	list, err := s.Books.InvoicesOf(name, false)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for i := range list {
		all = append(all, string(list[i].Kind)+" "+string(list[i].State))
	}
	return strings.Join(all, ", ")
}

// Two that wait would both say that they begin at the end of the same term.
func TestRenew_oneWaits(t *testing.T) {
	s, _ := newBooks(t)
	order(t, s, "acme", silver, quota.Suspend)
	first := account(t, s, "acme")
	end := first.TermEnd()
	r, err := s.Orders.Renew(behalf.Order{}, "acme", "")
	if err != nil {
		t.Fatal(err)
	}
	waits := r.Invoices[0].Number
	for _, plan := range []string{"", "gold", "free"} {
		if _, err := s.Orders.Renew(behalf.Order{}, "acme", plan); !errors.Is(err, orders.ErrWaits) || !strings.Contains(err.Error(), "invoice 2") {
			t.Errorf("Renew with %q while one waits = %v, want ErrWaits naming invoice 2", plan, err)
		}
	}
	pay(t, s, waits, 0, "a")
	r, err = s.Orders.Renew(behalf.Order{}, "acme", "gold") // after that one, not beside it
	if err != nil {
		t.Fatal(err)
	}
	if i := r.Invoices[0]; i.Lines[0].Text != "term plan=gold term=year starts=2028-11-23" {
		t.Errorf("the second renewal is for %q", i.Lines[0].Text)
	}
	pay(t, s, r.Invoices[0].Number, 0, "b")
	a := account(t, s, "acme")
	if l := a.Contracts; len(l) != 3 || !l[1].Start.Equal(end) || !l[2].Start.Equal(l[1].End) {
		t.Errorf("terms = %+v", l)
	}
	// One that was taken back waits no more.
	if r, err = s.Orders.Renew(behalf.Order{}, "acme", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Orders.CancelInvoice(behalf.Order{}, r.Invoices[0].Number, "wrong plan"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Orders.Renew(behalf.Order{}, "acme", "gold"); err != nil {
		t.Errorf("Renew after a cancelled one = %v", err)
	}
}

// What was paid for terms to come follows the new term.
func TestSetPlan_keepsRenewals(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", free, quota.Suspend)
	r, err := s.Orders.Renew(behalf.Order{}, "acme", "silver")
	if err != nil {
		t.Fatal(err)
	}
	pay(t, s, r.Invoices[0].Number, 0, "a")
	c.add(24 * time.Hour)
	tiny := quota.Plan{Name: "tiny", Term: quota.Year, Emails: 10}
	if r, err = s.Orders.ChangeAccount(behalf.Order{}, "acme", change(orders.Change{Plan: &tiny})); err != nil {
		t.Fatal(err)
	}
	l := r.After.Contracts
	if len(l) != 3 || l[1].Plan.Name != "tiny" || l[2].Plan.Name != "silver" || !l[2].Start.Equal(l[1].End) || l[2].Invoice != "1" {
		t.Fatalf("terms = %+v, want tiny and then the silver that was paid", l)
	}
	if i, err := s.Books.Invoice(1); err != nil || i.Term != l[2].TermKey() {
		t.Errorf("the renewal's invoice belongs to %q, %v", i.Term, err)
	}
	verify(t, s)
	c.set(l[2].Start.Add(time.Hour))
	mustSend(t, s, "acme", 233_333_333, 1) // 7 of 30 days: the rest of November
	if r := send(t, s, "acme", 1, 1); r == nil {
		t.Error("beyond silver's limit was taken")
	}
	r, err = s.Orders.Refund(behalf.Order{}, "acme")
	if no := (*quota.Refusal)(nil); !errors.As(err, &no) || !no.For(quota.WhyLater) || r.Amount != 14_640 {
		t.Errorf("Refund = %+v, %v, want it refused: it is not the first term (M20)", r.Lines, err)
	}
}

// A clock that goes back behind the open period loses nothing of what it has.
func TestOrder_clockGoesBack(t *testing.T) {
	for name, end := range map[string]func(*Store) error{
		"close": func(s *Store) error { _, err := s.Orders.CloseAccount(behalf.Order{}, "acme", ""); return err },
		"set plan": func(s *Store) error {
			_, err := s.Orders.ChangeAccount(behalf.Order{}, "acme", change(orders.Change{Plan: &more}))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := newBooks(t)
			order(t, s, "acme", free, quota.Continue)
			c.set(december.Add(5 * 24 * time.Hour))
			if _, err := s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 1); err != nil {
				t.Fatal(err)
			}
			mustSend(t, s, "acme", 2500*mb, 1)
			c.set(december.Add(-48 * time.Hour))
			if err := end(s); err != nil {
				t.Fatal(err)
			}
			want := []string{"activated", "closed", "topup 1000000000", "invoice -1220", "draw -1000000000", "overage 500000000",
				"credit 500000000", "expired -500000000", "closed", "invoice -1220"}
			if name == "close" {
				want = append(want, "ended")
			} else {
				want = append(want, "plan")
				mustSend(t, s, "acme", 1, 1)
			}
			wantBook(t, s, "acme", want...)
			verify(t, s)
		})
	}
}

// A clock that goes back behind the activation does not end the term.
func TestAccept_clockBehindTheTerm(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", count, quota.Suspend)
	c.add(-time.Second)
	mustSend(t, s, "acme", 1, 50_000)
	if r := send(t, s, "acme", 1, 1); r == nil || r.Exceeded == nil {
		t.Errorf("beyond the limit = %+v", r)
	}
	if _, err := s.Orders.TopUp(behalf.Order{}, "acme", "more"); err != nil {
		t.Fatal(err)
	}
	mustSend(t, s, "acme", 1, 9000)
	if _, err := s.Orders.CloseAccount(behalf.Order{}, "acme", ""); err != nil {
		t.Fatal(err)
	}
	wantBook(t, s, "acme", "invoice -10980", "activated", "topup 9000", "invoice -854", "draw -9000", "closed", "ended")
}

// Days of an invoice are dates of the operator's zone, whatever its clocks do.
func TestInvoice_daysAcrossTheClockChange(t *testing.T) {
	s, c := newBooks(t)
	zone := s.Zone()
	c.set(time.Date(2027, 10, 20, 0, 30, 0, 0, zone)) // summer time until the 31st
	r := order(t, s, "acme", silver, quota.Suspend)
	i := r.Invoices[0]
	if due, want := i.Due.In(zone).Format(time.DateTime), "2027-11-03 00:30:00"; due != want {
		t.Errorf("due at %s, want %s", due, want)
	}
	if at, want := i.Suspends.In(zone).Format(time.DateTime), "2027-11-10 00:30:00"; at != want {
		t.Errorf("it suspends at %s, want %s", at, want)
	}
}

// What was used in the instant in which a term began and ended is settled too.
func TestCloseAccount_usedAtOnce(t *testing.T) {
	s, _ := newBooks(t)
	order(t, s, "acme", free, quota.Continue)
	if _, err := s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 1); err != nil {
		t.Fatal(err)
	}
	mustSend(t, s, "acme", 2500*mb, 1)
	if _, err := s.Orders.CloseAccount(behalf.Order{}, "acme", ""); err != nil {
		t.Fatal(err)
	}
	wantBook(t, s, "acme", "activated", "topup 1000000000", "invoice -1220", "draw -1000000000", "overage 500000000", "credit 500000000",
		"expired -500000000", "closed", "invoice -1220", "ended")
}

// M18: on the last day of a term the larger allowance, for all of its last month,
// costs what that month costs. Until midnight in Rome that day is part of it.
func TestUpgrade_lastDay(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", silver, quota.Suspend)
	a := account(t, s, "acme")
	c.set(a.TermEnd().Add(-time.Second))
	r, err := s.Orders.Upgrade(behalf.Order{}, "acme", "gold")
	if err != nil {
		t.Fatal(err)
	}
	if i := r.Invoices[0]; i.Net != 1447 || i.Tax != 318 { // 24,000 × 22 ÷ 365 is 1446.6; 22 % of it 318.3
		t.Errorf("invoice = %+v", i)
	}
	mustSend(t, s, "acme", 3_666_666_667, 1) // 22 of 30 days
	if r := send(t, s, "acme", 1, 1); r == nil {
		t.Error("more than the month's share was taken")
	}
	c.add(time.Second)
	if _, err := s.Orders.Upgrade(behalf.Order{}, "acme", "gold"); err == nil {
		t.Error("a term that is over was upgraded")
	}
}

// A top-up is of the running term, whatever waits or follows: it ends with it, and
// the renewal begins where its invoice says.
func TestTopUp_besideRenewal(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", count, quota.Suspend)
	a := account(t, s, "acme")
	end := a.TermEnd()
	r, err := s.Orders.Renew(behalf.Order{}, "acme", "silver")
	if err != nil {
		t.Fatal(err)
	}
	waits := r.Invoices[0].Number
	if r, err = s.Orders.TopUp(behalf.Order{}, "acme", "more"); err != nil || !r.After.Lots[0].Expires.Equal(end) {
		t.Fatalf("TopUp = %+v, %v", r.After.Lots, err)
	}
	pay(t, s, waits, 0, "a")
	if a := account(t, s, "acme"); !a.Contracts[1].Start.Equal(end) || !a.Contracts[0].End.Equal(end) {
		t.Errorf("terms = %+v", a.Contracts)
	}
	c.set(end)
	mustSend(t, s, "acme", 266_666_666, 1) // 8 of 30 days
	if r := send(t, s, "acme", 1, 1); r == nil || r.Exceeded == nil || r.Exceeded.Credit != 0 {
		t.Errorf("e-mails of the old term paid for octets of the new one: %+v", r)
	}
}

// M17: 50,000 a month, 55,000 to send, 9,000 bought on top: 4,000 are credited.
func TestTopUp_isCreditedToTheEmail(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", count, quota.Suspend)
	for range 10 {
		mustSend(t, s, "acme", 100, 5000)
	}
	r := send(t, s, "acme", 100, 1)
	if r == nil || r.Exceeded == nil || r.Exceeded.Renewed.IsZero() {
		t.Fatalf("the 50,001st = %+v, want it refused until December", r)
	}
	if _, err := s.Orders.TopUp(behalf.Order{}, "acme", "more"); err != nil {
		t.Fatal(err)
	}
	mustSend(t, s, "acme", 100, 5000)
	if r := send(t, s, "acme", 100, 4001); r == nil || r.Exceeded.Credit != 9000 {
		t.Errorf("beyond the top-up = %+v, want it refused", r)
	}
	c.set(december)
	closeDue(t, s, 1)
	a := account(t, s, "acme")
	if len(a.Lots) != 1 || a.Lots[0].Amount != 4000 || a.Lots[0].Fresh || !a.Lots[0].Expires.Equal(a.TermEnd()) {
		t.Errorf("lots = %+v, want 4,000 until the term ends", a.Lots)
	}
	// It is lost with the term.
	c.set(a.TermEnd())
	closeDue(t, s, 1)
	if a := account(t, s, "acme"); a.Lots != nil || a.Open != "" || !a.Closes.IsZero() {
		t.Errorf("after the term = %+v", a)
	}
	want := []string{"invoice -10980", "activated", "topup 9000", "invoice -854", "draw -5000"}
	for range 13 {
		want = append(want, "closed")
	}
	want = slices.Insert(want, len(want)-1, "expired -4000")
	wantBook(t, s, "acme", want...)
	if r := send(t, s, "acme", 100, 1); r == nil || !r.Expired {
		t.Errorf("after the term = %+v, want it refused", r)
	}
}

// A dry run's receipt is that of the run, and it leaves the file as it is.
func TestOrder_dryRun(t *testing.T) {
	for name, run := range map[string]func(*Store, behalf.Order) (orders.Receipt, error){
		"add": func(s *Store, o behalf.Order) (orders.Receipt, error) {
			return s.Orders.AddAccount(o, orders.NewAccount{Account: books.Account{Name: "new"}, Plan: silver})
		},
		"add and activate": func(s *Store, o behalf.Order) (orders.Receipt, error) {
			return s.Orders.AddAccount(o, orders.NewAccount{Account: books.Account{Name: "new"}, Plan: silver, Activate: true})
		},
		"activate": func(s *Store, o behalf.Order) (orders.Receipt, error) { return s.Orders.Activate(o, "pending") },
		"pay": func(s *Store, o behalf.Order) (orders.Receipt, error) {
			return s.Orders.RecordPayment(o, ledger.Payment{Invoice: 1, Method: "card", Reference: "r", Amount: 20_000})
		},
		"upgrade":     func(s *Store, o behalf.Order) (orders.Receipt, error) { return s.Orders.Upgrade(o, "acme", "gold") },
		"top up":      func(s *Store, o behalf.Order) (orders.Receipt, error) { return s.Orders.TopUp(o, "count", "more") },
		"buy a block": func(s *Store, o behalf.Order) (orders.Receipt, error) { return s.Orders.BuyBlock(o, "acme", 2*gb, 3) },
		"renew":       func(s *Store, o behalf.Order) (orders.Receipt, error) { return s.Orders.Renew(o, "acme", "") },
		"refund":      func(s *Store, o behalf.Order) (orders.Receipt, error) { return s.Orders.Refund(o, "count") },
		"close":       func(s *Store, o behalf.Order) (orders.Receipt, error) { return s.Orders.CloseAccount(o, "acme", "") },
		"correct": func(s *Store, o behalf.Order) (orders.Receipt, error) {
			return s.Orders.Correct(o, "acme", orders.Correction{Money: 500, Units: gb, Text: "sorry"})
		},
		"at limit": func(s *Store, o behalf.Order) (orders.Receipt, error) {
			return s.Orders.ChangeAccount(o, "acme", func(a *books.Account) (orders.Change, error) { a.AtLimit = quota.Suspend; return orders.Change{}, nil })
		},
		"abuse": func(s *Store, o behalf.Order) (orders.Receipt, error) {
			return s.Orders.ChangeAccount(o, "acme", change(orders.Change{Abuse: new("spam")}))
		},
		"suspend": func(s *Store, o behalf.Order) (orders.Receipt, error) { return s.Orders.Suspend(o, "acme", "spam") },
		"set plan": func(s *Store, o behalf.Order) (orders.Receipt, error) {
			return s.Orders.ChangeAccount(o, "acme", change(orders.Change{Plan: &count}))
		},
		"cancel": func(s *Store, o behalf.Order) (orders.Receipt, error) {
			return s.Orders.CancelInvoice(o, 2, "a mistake")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := newBooks(t)
			if _, err := s.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "pending"}, Plan: silver}); err != nil {
				t.Fatal(err)
			}
			order(t, s, "acme", silver, quota.Continue)
			mustSend(t, s, "acme", 1700*mb, 1)
			c.set(december.Add(time.Hour)) // with a close that is due
			order(t, s, "count", count, quota.Suspend)
			was := dump(t, s)
			dry, err := run(s, behalf.Order{By: "op", DryRun: true})
			if err != nil {
				t.Fatal(err)
			}
			if is := dump(t, s); !reflect.DeepEqual(was, is) {
				t.Errorf("a dry run changed the file")
			}
			real, err := run(s, behalf.Order{By: "op"})
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(dry, real) {
				t.Errorf("dry run:\n%+v\nrun:\n%+v", dry, real)
			}
			if is := dump(t, s); reflect.DeepEqual(was, is) {
				t.Error("the run changed nothing")
			}
			if a, err := s.Books.Account(real.After.Name); err != nil || a.Balance != real.After.Balance || a.Seq != real.After.Seq {
				t.Errorf("stored is %+v, %v; the receipt says %+v", a, err, real.After)
			}
		})
	}
}

func TestUpgrade_midMonth(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", silver, quota.Suspend)
	if _, err := s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 1); err != nil {
		t.Fatal(err)
	}
	mustSend(t, s, "acme", 2*gb, 1)
	if r := send(t, s, "acme", 1, 1); r == nil {
		t.Fatal("beyond the limit was taken")
	}
	c.add(24 * time.Hour)
	// The term is 23 November to 22 November: 365 days. November, which runs, is paid for.
	r, err := s.Orders.Upgrade(behalf.Order{}, "acme", "gold")
	if err != nil {
		t.Fatal(err)
	}
	if r.Before.Contracts[0].Plan.Name != "silver" || r.After.Contracts[0].Plan.Name != "gold" {
		t.Errorf("from %+v to %+v", r.Before.Contracts, r.After.Contracts)
	}
	if i := r.Invoices[0]; i.Net != 24_000 || i.Lines[0].Text != "upgrade plan=gold from=silver left=365 days=365" || i.Kind != ledger.ForUpgrade {
		t.Errorf("invoice = %+v", i)
	}
	mustSend(t, s, "acme", 4*gb, 1) // 6 GB in all: 5 allowed, 1 of credit
	if r := send(t, s, "acme", 1, 1); r == nil {
		t.Error("beyond the new limit was taken")
	}
	st, _ := s.Overview.Statement("acme", c.now())
	if st.Contract.Plan.Name != "gold" || st.Allowance.Bytes != 5*gb || st.Used.Bytes != 6*gb || st.Use.Drawn != gb || st.Use.Overage != 0 {
		t.Errorf("Statement = %+v", st)
	}
	for plan, why := range map[string]quota.Why{"silver": quota.WhySmaller, "count": quota.WhyKind, "more": quota.WhyTerm, "old": quota.WhyRetired} {
		_, err := s.Orders.Upgrade(behalf.Order{}, "acme", plan)
		if no, ok := errors.AsType[*quota.Refusal](err); !ok || !no.For(why) {
			t.Errorf("Upgrade to %s = %v, want %s", plan, err, why)
		}
	}
}

func TestRenew(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", silver, quota.Continue)
	first := account(t, s, "acme")
	end := first.TermEnd()
	// Paid before the end: it goes on without a gap, here with a smaller plan.
	r, err := s.Orders.Renew(behalf.Order{}, "acme", "count")
	if err != nil || len(r.After.Contracts) != 1 {
		t.Fatalf("Renew = %+v, %v", r, err)
	}
	pay(t, s, r.Invoices[0].Number, 0, "a")
	a := account(t, s, "acme")
	if len(a.Contracts) != 2 || !a.Contracts[1].Start.Equal(end) || a.Contract(c.now()).Plan.Name != "silver" {
		t.Fatalf("after the payment = %+v", a.Contracts)
	}
	c.set(end)
	mustSend(t, s, "acme", 1, 1)
	if a := account(t, s, "acme"); a.Contract(c.now()).Plan.Name != "count" || a.Open != "2027-11-2" {
		t.Errorf("after the turn = %+v", a)
	}
	// Paid after the end: it starts with the payment.
	c.set(a.TermEnd().Add(48 * time.Hour))
	if r := send(t, s, "acme", 1, 1); r == nil || !r.Expired {
		t.Errorf("after the term = %+v", r)
	}
	if r, err = s.Orders.Renew(behalf.Order{}, "acme", "more"); err != nil {
		t.Fatal(err)
	}
	c.add(time.Hour)
	pay(t, s, r.Invoices[len(r.Invoices)-1].Number, 0, "b")
	a = account(t, s, "acme")
	if last := a.Contracts[2]; !last.Start.Equal(c.now()) || a.Open != "2028-11-25" {
		t.Errorf("renewed late = %+v, open %s", last, a.Open)
	}
	mustSend(t, s, "acme", 1, 1)
	if _, err := s.Orders.Renew(behalf.Order{}, "acme", "old"); err == nil {
		t.Error("a retired plan was sold")
	}
}

// An order that comes upon a month that is over closes it; its figures are its own.
func TestOrder_figuresAfterAClose(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", free, quota.Continue)
	mustSend(t, s, "acme", 1500*mb, 1)
	c.set(december)
	r, err := s.Orders.BuyBlock(behalf.Order{By: "op"}, "acme", 2*gb, 3)
	if err != nil || r.Amount != 3*1800*122/100 || r.Lines[0] != (ledger.Line{Kind: ledger.LineItem, Amount: 3 * 1800, Count: 3, Text: "ahead bytes=2000000000"}) || len(r.Invoices) != 2 {
		t.Errorf("BuyBlock = %d, %+v, %+v, %v", r.Amount, r.Lines, r.Invoices, err)
	}
	for _, e := range r.Entries {
		if own := e.Kind == ledger.KindTopUp || e.Ref == "2"; (e.By == "op") != own {
			t.Errorf("entry %+v, by its order: %v", e, own)
		}
	}
}
