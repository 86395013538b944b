package store

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/ledger"
	"relay/store/overview"
)

// explain is a statement without when it was asked for, what number an invoice got
// and when that was issued.
func explain(t testing.TB, s *Store, at time.Time) overview.Statement {
	t.Helper()
	st, err := s.Overview.Statement("acme", at)
	if err != nil {
		t.Fatal(err)
	}
	for i := range st.Entries {
		st.Entries[i].Ref = ""
	}
	for i := range st.Invoices {
		st.Invoices[i].Number, st.Invoices[i].Issued = "", time.Time{}
	}
	return st
}

// Between the end of a month and its close, which may be late, a statement says what
// the same one says afterwards.
func TestStatement_closeIsDue(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", free, quota.Continue)
	if _, err := s.Orders.BuyBlock(behalf.Order{}, "acme", gb, 1); err != nil {
		t.Fatal(err)
	}
	mustSend(t, s, "acme", 2500*mb, 1)
	during, due := december.Add(-time.Minute), december.Add(50*time.Hour)
	c.set(during)
	c.set(due)
	now, was := explain(t, s, time.Time{}), explain(t, s, during)
	if now.Balance != -2440 || quota.Sum(now.Lots) != 500*mb || !slices.ContainsFunc(now.Entries, func(e ledger.Entry) bool { return e.Kind == ledger.KindOverage }) || now.Period != "2026-12" || now.Used != (quota.Charge{}) {
		t.Errorf("with a close that is due = %+v", now)
	}
	if st, err := s.Overview.Statement("acme", time.Time{}); err != nil || len(st.Invoices) != 2 || st.Invoices[1].Number != "" || !st.Invoices[1].Issued.Equal(december) {
		t.Errorf("the invoice to come = %+v, %v", st.Invoices, err)
	}
	c.add(time.Hour)
	closeDue(t, s, 1)
	for at, want := range map[time.Time]overview.Statement{during: was, due: now} {
		if got := explain(t, s, at); !reflect.DeepEqual(got, want) {
			t.Errorf("at %v after the close:\n%+v\nbefore:\n%+v", at, got, want)
		}
	}
	if st, err := s.Overview.Statement("acme", due); err != nil || !st.Invoices[1].Issued.Equal(due.Add(time.Hour)) {
		t.Errorf("issued = %+v, %v, want when the close ran", st.Invoices, err)
	}
}

// Within a day nobody knows what was sent until then: it says so, whenever it is asked.
func TestStatement_withinADay(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", free, quota.Suspend)
	mustSend(t, s, "acme", 100, 1)
	day := c.now()
	c.add(24 * time.Hour)
	mustSend(t, s, "acme", 1000, 1)
	noon := c.now().Add(time.Minute)
	c.add(time.Hour)
	check := func(when string) {
		t.Helper()
		for _, x := range []struct {
			at   time.Time
			used int64
			not  string
		}{
			{noon, 100, "2026-11-24"},
			{day.Add(time.Minute), 0, "2026-11-23"},
			{time.Date(2026, 11, 23, 23, 0, 0, -1, time.UTC), 100, ""},
			{time.Date(2026, 11, 23, 23, 0, 0, 0, time.UTC), 100, "2026-11-24"},
		} {
			st, err := s.Overview.Statement("acme", x.at)
			if err != nil || st.Used.Bytes != x.used || st.Uncounted != x.not {
				t.Errorf("%s, at %v: used %d, not counted %q, %v, want %d, %q", when, x.at, st.Used.Bytes, st.Uncounted, err, x.used, x.not)
			}
		}
	}
	check("on that day")
	if st, err := s.Overview.Statement("acme", time.Time{}); err != nil || st.Used.Bytes != 1100 || st.Uncounted != "" {
		t.Errorf("now: %+v, %v", st.Used, err)
	}
	c.add(24 * time.Hour)
	check("on the next day")
	if st, err := s.Overview.Statement("acme", noon.Add(30*time.Hour)); err == nil && st.Uncounted != "" {
		t.Errorf("a day without mail is not counted: %q", st.Uncounted)
	}
	mustSend(t, s, "acme", 1, 1)
	check("when the day is an entry")
	c.set(december.Add(time.Hour))
	check("in the next month")
	closeDue(t, s, 1)
	check("after its close")
}
