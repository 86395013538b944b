package store

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/ledger"
	"relay/store/orders"
)

// plans for a month, of which a message or two use all.
var (
	letters = quota.Plan{Name: "letters", Term: quota.Month, Emails: 10, Price: 700}
	megas   = quota.Plan{Name: "megas", Term: quota.Month, Emails: 100, Bandwidth: mb, Price: 700}
	gift    = quota.Plan{Name: "gift", Term: quota.Month, Emails: 10}
)

func monthBooks(t *testing.T) (*Store, *clock) {
	t.Helper()
	s, c := newBooks(t)
	for _, p := range []quota.Plan{letters, megas, gift} {
		if err := s.Books.AddPlan(p); err != nil {
			t.Fatal(err)
		}
	}
	return s, c
}

// M13: a month's term that is used up ends with the payment of the next one.
func TestRenew_usedUp(t *testing.T) {
	for name, x := range map[string]struct {
		plan     quota.Plan
		size     int64 // of one message to so many
		to       int
		leftover bool // some mail still fits
	}{
		"e-mails":              {letters, 100, 10, false},
		"octets":               {megas, mb - 9_999, 1, true},
		"e-mails of bandwidth": {megas, 100, 100, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := monthBooks(t)
			order(t, s, "acme", x.plan, quota.Suspend)
			pay(t, s, 1, 0, "a")
			c.add(5 * 24 * time.Hour)
			mustSend(t, s, "acme", x.size, x.to)
			r := send(t, s, "acme", 20_000, 10)
			if r == nil || !r.Spent || !r.Exceeded.Renewed.IsZero() {
				t.Fatalf("beyond the allowance = %+v", r)
			}
			o, err := s.Orders.Renew(behalf.Order{}, "acme", "")
			if err != nil || o.Invoices[0].Lines[0].Text != "term plan="+x.plan.Name+" term=month" {
				t.Fatalf("Renew = %+v, %v, want no day to wait for", o.Invoices, err)
			}
			if got := pay(t, s, 2, 0, "b").After.Contracts; len(got) != 2 || !got[0].End.Equal(c.now()) || !got[1].Start.Equal(c.now()) ||
				got[1].Key != "2026-11-28" || got[1].End.Before(c.now().AddDate(0, 0, 30)) {
				t.Errorf("terms = %+v", got)
			}
			verify(t, s)
			mustSend(t, s, "acme", 20_000, 10)
			verify(t, s)
			if u, err := s.Standings.Usage("acme", "2026-11-28"); err != nil || u.Charged != (quota.Charge{Messages: 10, Bytes: 200_000}) {
				t.Errorf("usage of the new term = %+v, %v", u, err)
			}
		})
	}
}

// What is left for an e-mail, credit included, keeps a term going; one of a year has
// months to come.
func TestRenew_notUsedUp(t *testing.T) {
	for name, x := range map[string]struct {
		plan quota.Plan
		size int64
		to   int
	}{
		"an e-mail is left":    {letters, 100, 9},
		"10 KB are left":       {megas, mb - 10_000, 1},
		"of a year":            {count, 1, 50_000},
		"a top-up is on top":   {letters, 100, 10},
		"credit for an e-mail": {megas, 100, 100},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := monthBooks(t)
			order(t, s, "acme", x.plan, quota.Suspend)
			switch name {
			case "a top-up is on top":
				if _, err := s.Orders.TopUp(behalf.Order{}, "acme", "more"); err != nil {
					t.Fatal(err)
				}
			case "credit for an e-mail":
				if _, err := s.Orders.Correct(behalf.Order{}, "acme", orders.Correction{Units: 10_000, Text: "gift"}); err != nil {
					t.Fatal(err)
				}
			}
			mustSend(t, s, "acme", x.size, x.to)
			c.add(time.Hour)
			r, err := s.Orders.Renew(behalf.Order{}, "acme", "gift")
			if l := r.After.Contracts; err != nil || len(l) != 2 || !l[1].Start.Equal(l[0].End) || !l[1].Start.After(c.now().AddDate(0, 0, 20)) {
				t.Errorf("terms = %+v, %v, want the present one to go on", l, err)
			}
		})
	}
}

// A term that waits begins with the first message that the one before has no room
// for, once that is used up; not before, and not for what fits into neither.
func TestAccept_beginsTheNextTerm(t *testing.T) {
	s, c := monthBooks(t)
	order(t, s, "acme", megas, quota.Suspend)
	for range 2 {
		r, err := s.Orders.Renew(behalf.Order{}, "acme", "")
		if err != nil {
			t.Fatal(err)
		}
		pay(t, s, r.Invoices[0].Number, 0, r.Invoices[0].Lines[0].Text)
	}
	was := account(t, s, "acme")
	mustSend(t, s, "acme", mb/2, 1)
	if r := send(t, s, "acme", 1_500_001, 1); r == nil || r.Spent || !r.Month || !r.Exceeded.Renewed.Equal(was.Contracts[0].End) {
		t.Errorf("beyond what is left and the term after it = %+v, want it renewed at its end", r)
	}
	mustSend(t, s, "acme", mb/2-5000, 1)
	mustSend(t, s, "acme", 4000, 1) // it still fits
	c.add(24 * time.Hour)
	before := dump(t, s)
	if r := send(t, s, "acme", mb+1001, 1); r == nil || r.Exceeded.Used != (quota.Charge{}) || !reflect.DeepEqual(before, dump(t, s)) {
		t.Errorf("what fits into no term = %+v, want it refused by the next one, and nothing changed", r)
	}
	if r, err := s.Standings.Permit("acme", "", quota.Charge{Messages: 1, Bytes: mb}); r != nil || err != nil {
		t.Errorf("Permit = %+v, %v, want what Accept does", r, err)
	}
	if st, err := s.Standings.Standing("acme"); err != nil || !st.Spent() || !st.Goes {
		t.Errorf("Standing = %+v, %v", st, err)
	}
	mustSend(t, s, "acme", mb, 1)
	verify(t, s)
	is := account(t, s, "acme")
	if l := is.Lots; len(l) != 1 || l[0].Amount != 1000 || !l[0].Expires.Equal(is.Contracts[1].End) {
		t.Errorf("what was left = %+v, want 1,000 octets until the end of the term that began", l)
	}
	if l := is.Contracts; len(l) != 3 || !l[0].End.Equal(c.now()) || !l[1].Start.Equal(c.now()) || !l[2].Start.Equal(l[1].End) ||
		l[1].Invoice != was.Contracts[1].Invoice || l[2].Invoice != was.Contracts[2].Invoice {
		t.Errorf("terms = %+v", l)
	}
	for i, n := range []uint64{1, 2, 3} {
		if inv, err := s.Books.Invoice(n); err != nil || inv.Term != is.Contracts[i].TermKey() {
			t.Errorf("invoice %d is of term %s, %v, want that of %+v", n, inv.Term, err, is.Contracts[i])
		}
	}
	c.add(time.Minute)
	mustSend(t, s, "acme", 100, 100) // of all that is left none fits: the third term
	verify(t, s)
	if l := account(t, s, "acme").Contracts; !l[2].Start.Equal(c.now()) || l[2].Key != "2026-11-24" || l[2].Again != 2 {
		t.Errorf("terms = %+v", l)
	}
	wantBook(t, s, "acme", "invoice -854", "activated", "invoice -854", "payment 854", "renewed", "invoice -854", "payment 854", "renewed", "closed", "renewed", "renewed", "carried 1000", "expired -1000", "closed", "renewed", "carried 1000")
}

// Only the first term of an account can be given back (M20): not the one that began
// because the first was used up.
func TestRefund_afterUsedUp(t *testing.T) {
	s, c := monthBooks(t)
	order(t, s, "acme", letters, quota.Suspend)
	pay(t, s, 1, 0, "a")
	if _, err := s.Orders.Renew(behalf.Order{}, "acme", ""); err != nil {
		t.Fatal(err)
	}
	pay(t, s, 2, 0, "b")
	mustSend(t, s, "acme", 1, 10)
	c.add(time.Hour)
	mustSend(t, s, "acme", 1, 10)
	r, err := s.Orders.Refund(behalf.Order{}, "acme")
	if no := (*quota.Refusal)(nil); !errors.As(err, &no) || !no.For(quota.WhyLater) || len(no.Reasons) != 1 || r.Amount != 854 {
		t.Errorf("Refund = %d, %v, want it refused since it is not the first term", r.Amount, err)
	}
	if a := account(t, s, "acme"); a.State != ledger.Active {
		t.Errorf("the account is %s", a.State)
	}
}

// M18: a term of 30 days that is paid begins with the first message that does not fit
// into the one before. What was left is credited there, to the octet, with its credit.
func TestAccept_carriesWhatIsLeft(t *testing.T) {
	for name, x := range map[string]struct {
		plan        quota.Plan
		size        int64
		to          int // of the first message
		gift        int64
		size2       int64
		to2         int // of the one that does not fit
		left, after int64
	}{
		"octets":                  {megas, 400_000, 1, 0, 700_000, 1, 600_000, 600_000},
		"more than either allows": {megas, 400_000, 1, 0, 1_600_000, 1, 600_000, 600_000},
		"few e-mails are left":    {megas, 1000, 90, 0, 1000, 11, 100_000, 100_000},
		"with credit":             {megas, 400_000, 1, 50_000, 700_000, 1, 650_000, 650_000},
		"credit in use":           {megas, 1_020_000, 1, 50_000, 700_000, 1, 30_000, 30_000},
		"e-mails":                 {letters, 1, 7, 0, 1, 4, 3, 3},
		"e-mails and credit":      {letters, 1, 7, 2, 1, 6, 5, 5},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := monthBooks(t)
			order(t, s, "acme", x.plan, quota.Suspend)
			pay(t, s, 1, 0, "a")
			if x.gift > 0 {
				if _, err := s.Orders.Correct(behalf.Order{}, "acme", orders.Correction{Units: x.gift, Text: "gift"}); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := s.Orders.Renew(behalf.Order{}, "acme", ""); err != nil {
				t.Fatal(err)
			}
			mustSend(t, s, "acme", x.size, x.to)
			c.add(48 * time.Hour)
			if r := send(t, s, "acme", x.size2, x.to2); r == nil || r.Spent || !r.Month {
				t.Fatalf("with a renewal that is not paid: %+v, want it refused", r)
			}
			pay(t, s, 2, 0, "b") // the term is not used up: it goes on
			if l := account(t, s, "acme").Contracts; !l[1].Start.Equal(l[0].End) || !l[1].Start.After(c.now()) {
				t.Errorf("after the payment: %+v", l)
			}
			if r, err := s.Standings.Permit("acme", "", quota.Charge{Messages: int64(x.to2), Bytes: int64(x.to2) * x.size2}); r != nil || err != nil {
				t.Errorf("Permit = %+v, %v", r, err)
			}
			mustSend(t, s, "acme", x.size2, x.to2)
			verify(t, s)
			a := account(t, s, "acme")
			if l := a.Contracts; !l[0].End.Equal(c.now()) || !l[1].Start.Equal(c.now()) || len(a.Lots) != 1 || a.Lots[0].Amount != x.left || !a.Lots[0].Expires.Equal(l[1].End) {
				t.Errorf("terms %+v, credit %+v, want %d", l, a.Lots, x.left)
			}
			if st, err := s.Standings.Standing("acme"); err != nil || quota.Sum(st.Live) != x.after || st.Used.Charged.Messages != int64(x.to2) {
				t.Errorf("Standing = %+v, %v", st, err)
			}
		})
	}
}

// What is left of other units cannot be credited: that term ends when nothing is left.
func TestAccept_otherUnitsWait(t *testing.T) {
	s, _ := monthBooks(t)
	order(t, s, "acme", letters, quota.Suspend)
	if _, err := s.Orders.Renew(behalf.Order{}, "acme", "free"); err != nil {
		t.Fatal(err)
	}
	mustSend(t, s, "acme", 1, 9)
	if r := send(t, s, "acme", 1, 2); r == nil || r.Spent || r.Exceeded.Renewed.IsZero() {
		t.Errorf("two e-mails where one is left = %+v, want them refused", r)
	}
	mustSend(t, s, "acme", 1, 1)
	mustSend(t, s, "acme", 1, 2)
	if a := account(t, s, "acme"); len(a.Lots) != 0 || a.Contracts[1].Plan.Name != "free" || !a.Contracts[0].End.Equal(a.Contracts[1].Start) {
		t.Errorf("after it: %+v", a)
	}
}

// M18: 30 days that are used up are renewed. Until then, and of a year always, there
// is an upgrade.
func TestUpgrade_usedUp(t *testing.T) {
	s, _ := monthBooks(t)
	big := letters
	big.Name, big.Emails, big.Price = "big", 100, 1700
	if err := s.Books.AddPlan(big); err != nil {
		t.Fatal(err)
	}
	order(t, s, "acme", letters, quota.Suspend)
	mustSend(t, s, "acme", 1, 9)
	if r, err := s.Orders.Upgrade(behalf.Order{DryRun: true}, "acme", "big"); err != nil || r.Invoices[0].Net != 1000 {
		t.Errorf("before it is used up: %+v, %v, want all of the difference", r.Invoices, err)
	}
	mustSend(t, s, "acme", 1, 1)
	_, err := s.Orders.Upgrade(behalf.Order{}, "acme", "big")
	if no := (*quota.Refusal)(nil); !errors.As(err, &no) || !no.For(quota.WhyUsedUp) {
		t.Errorf("Upgrade of what is used up = %v", err)
	}
	order(t, s, "year", count, quota.Suspend)
	mustSend(t, s, "year", 1, 50_000)
	more := count
	more.Name, more.Emails, more.Price = "twice", 100_000, 18_000
	if err := s.Books.AddPlan(more); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Orders.Upgrade(behalf.Order{}, "year", "twice"); err != nil {
		t.Errorf("Upgrade of a year that is used up = %v", err)
	}
}
