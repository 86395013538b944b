package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/ledger"
	"relay/store/orders"
)

func TestUsage_entriesByDay(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", free, quota.Suspend)
	mustSend(t, s, "acme", 10, 2)
	mustSend(t, s, "acme", 10, 1)
	c.add(11*time.Hour + 30*time.Minute) // half past midnight in Rome, and still the 23rd in Greenwich
	mustSend(t, s, "acme", 5, 1)
	c.add(-11*time.Hour - 30*time.Minute) // the clock goes back: it stays the 24th
	mustSend(t, s, "acme", 5, 1)
	c.add(72 * time.Hour)
	mustSend(t, s, "acme", 7, 1)
	var days []string
	err := s.Books.Ledger("acme", func(e *ledger.Entry) error {
		if e.Kind == ledger.KindCharge {
			days = append(days, fmt.Sprintf("%s: %d, %d", e.Day, e.Messages, e.Bytes))
		}
		return nil
	})
	if want := []string{"2026-11-23: 3, 30", "2026-11-24: 2, 10"}; err != nil || !slices.Equal(days, want) {
		t.Errorf("entries = %q, %v, want %q", days, err, want)
	}
	st, err := s.Overview.Statement("acme", c.now())
	want := quota.Charge{Messages: 6, Bytes: 47}
	if err != nil || st.Used != want || st.Period != "2026-11" || st.Contract.Plan.Name != "free" || st.Allowance.Bytes != gb {
		t.Errorf("Statement = %+v, %v, want %v used", st, err, want)
	}
	if st, err := s.Overview.Statement("acme", time.Time{}); err != nil || st.Account != "acme" || st.Used != want || !st.At.Equal(c.now()) {
		t.Errorf("Statement of now = %+v, %v, want %v used", st, err, want)
	}
	c.add(24 * time.Hour) // the 27th: nothing was sent since, so its entry is still to come
	if st, err := s.Overview.Statement("acme", c.now().Add(-time.Hour)); err != nil || st.Used != want {
		t.Errorf("Statement an hour ago = %+v, %v, want %v used", st, err, want)
	}
	if st, err := s.Overview.Statement("acme", time.Date(2026, 11, 27, 22, 59, 59, 999_999_999, time.UTC)); err != nil || st.Used != want {
		t.Errorf("Statement of the 27th = %+v, %v, want %v used", st, err, want)
	}
	at := time.Date(2026, 11, 23, 22, 59, 59, 999_999_999, time.UTC) // all of the 23rd
	if st, err := s.Overview.Statement("acme", at); err != nil || st.Used != (quota.Charge{Messages: 3, Bytes: 30}) {
		t.Errorf("Statement of the 23rd = %+v, %v", st, err)
	}
}

// In the last month of a term a renewal brings the next allowance; after it what was
// used is over the allowance, and no overage any more.
func TestStanding_lastMonth(t *testing.T) {
	s, c := newBooks(t)
	for _, name := range []string{"ends", "goes"} {
		order(t, s, name, quota.Plan{Name: "few", Term: quota.Year, Emails: 10, Ends: true}, quota.Suspend)
		if _, err := s.Orders.Correct(behalf.Order{}, name, orders.Correction{Units: 5, Text: "gift"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Orders.Renew(behalf.Order{}, "goes", "free"); err != nil {
		t.Fatal(err)
	}
	a := account(t, s, "ends")
	end := a.TermEnd()
	c.set(end.Add(-time.Hour))
	for name, renewed := range map[string]time.Time{"ends": {}, "goes": end} {
		mustSend(t, s, name, 1, 13)
		if r := send(t, s, name, 1, 3); r == nil || r.Exceeded == nil || !r.Exceeded.Renewed.Equal(renewed) {
			t.Errorf("%s: refused with %+v, want it renewed at %v", name, r, renewed)
		}
	}
	c.set(end)
	for range 2 { // whether or not it is closed
		st, err := s.Standings.Standing("ends")
		if use := st.Use(); err != nil || use != (quota.Use{Over: 5}) {
			t.Errorf("Use = %+v, %v, want 5 over", use, err)
		}
		if _, err := closeNow(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
}
