package store

import (
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/room"
)

// soldBefore makes the first term of an account one that was sold when years ended
// with their twelfth month, as an older relay stored it.
func soldBefore(t *testing.T, s *Store, name string) {
	t.Helper()
	err := s.update(0, func(t *tx) error {
		a, err := room.Load[books.Account](&t.Tx, bucket.Accounts, name)
		if err != nil {
			return err
		}
		is := &a.Contracts[0]
		old := quota.WholeMonths(is.Plan, is.Start, t.s.zone)
		old.Invoice = is.Invoice
		*is = old
		entries, err := room.All[ledger.Entry](&t.Tx, bucket.Ledger, room.Pair(name, ""))
		if err != nil {
			return err
		}
		for i := range entries {
			if e := &entries[i]; e.Kind == ledger.KindActivated {
				e.Contract = &old
				if err := t.Write(bucket.Ledger, keyOf(name, e.Seq), e); err != nil {
					return err
				}
			}
		}
		return t.Write(bucket.Accounts, []byte(name), &a)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A term that was sold before stays what it was: twelve whole months, under the keys
// it had. What is bought after it is a year by the day.
func TestYear_soldBefore(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", silver, quota.Suspend)
	pay(t, s, 1, 0, "a")
	soldBefore(t, s, "acme")
	verify(t, s)
	last := time.Date(2027, 10, 31, 22, 59, 59, 0, time.UTC)
	c.set(last)
	mustSend(t, s, "acme", gb, 1)
	if u, err := s.Standings.Usage("acme", "2027-10"); err != nil || u.Charged.Bytes != gb {
		t.Errorf("used in October = %+v, %v, want a whole allowance", u, err)
	}
	if r := send(t, s, "acme", 1, 1); r == nil || !r.TermEnd.Equal(last.Add(time.Second)) {
		t.Errorf("beyond it = %+v", r)
	}
	r, err := s.Orders.Renew(behalf.Order{}, "acme", "")
	if err != nil {
		t.Fatal(err)
	}
	pay(t, s, r.Invoices[0].Number, 0, "b")
	c.add(time.Second)
	mustSend(t, s, "acme", gb, 1)
	a := account(t, s, "acme")
	if l := a.Contracts; l[1].Day != 1 || !l[1].Start.Equal(l[0].End) || quota.LastDay(l[1].End, s.Zone()).Format(time.DateOnly) != "2028-10-31" || a.Open != "2027-11" {
		t.Errorf("terms = %+v, open %s", l, a.Open)
	}
}

// M13: of a month that a term and its renewal share, each has its part, one after the
// other, and what was used of either is closed under its own key.
func TestYear_oneAllowanceAMonth(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", quota.Plan{Name: "few", Term: quota.Year, Emails: 100, Price: 1000}, quota.Suspend)
	pay(t, s, 1, 0, "a")
	if err := s.Books.AddPlan(account(t, s, "acme").Contracts[0].Plan); err != nil {
		t.Fatal(err)
	}
	r, err := s.Orders.Renew(behalf.Order{}, "acme", "")
	if err != nil {
		t.Fatal(err)
	}
	pay(t, s, r.Invoices[0].Number, 0, "b")
	most := func(when string, want int64) {
		t.Helper()
		n := int64(0)
		for send(t, s, "acme", 1, 1) == nil {
			n++
		}
		if n != want {
			t.Errorf("%s: %d e-mails, want %d", when, n, want)
		}
	}
	end := account(t, s, "acme").Contracts[0].End
	most("the month of activation", 100)
	c.set(end.AddDate(0, -1, 0))
	most("October", 100)
	c.set(end.Add(-time.Second))
	most("to the 22nd", 74) // 73.3
	c.set(end)
	most("from the 23rd", 26)
	c.set(end.AddDate(0, 1, 0))
	most("December", 100)
	for period, want := range map[string]int64{"2027-11": 74, "2027-11-2": 26, "2027-12": 100} {
		if u, err := s.Standings.Usage("acme", period); err != nil || u.Charged.Messages != want {
			t.Errorf("usage in %s = %+v, %v, want %d", period, u, err, want)
		}
	}
	if st, err := s.Overview.Statement("acme", end.AddDate(0, 0, 3)); err != nil || st.Period != "2027-11-2" || st.Allowance.Messages != 26 {
		t.Errorf("Statement = %+v, %v, want an allowance of 26", st, err)
	}
}

// M18: overage is not wiped out for the price of a day. The month it was made in is
// paid for.
func TestUpgrade_overageOnTheLastDay(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", silver, quota.Continue)
	pay(t, s, 1, 0, "a")
	soldBefore(t, s, "acme") // with a last month in full
	c.set(account(t, s, "acme").Contracts[0].End.Add(-time.Hour))
	mustSend(t, s, "acme", 5*gb, 1)
	r, err := s.Orders.Upgrade(behalf.Order{}, "acme", "gold")
	if err != nil {
		t.Fatal(err)
	}
	if i := r.Invoices[0]; i.Net != 24_000*31/343 {
		t.Errorf("upgrade = %+v, want 31 of the 343 days", i)
	}
}
