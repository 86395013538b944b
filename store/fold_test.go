package store

import (
	"reflect"
	"testing"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/ledger"
)

// Every sum of a statement is the fold's, and so are those of a period.
func TestFold_Add(t *testing.T) {
	s, c := newBooks(t)
	order(t, s, "acme", free, quota.Continue)
	mustSend(t, s, "acme", gb, 1)
	mustSend(t, s, "acme", 1200*mb, 1)
	c.set(december.Add(time.Hour))
	closeDue(t, s, 1)
	f := ledger.NewFold(s.Zone())
	if err := s.Books.Ledger("acme", func(e *ledger.Entry) error { f.Add(e); return nil }); err != nil {
		t.Fatal(err)
	}
	a, p := account(t, s, "acme"), f.Period("2026-11")
	want := ledger.PeriodSum{Period: "2026-11", Used: quota.Charge{Messages: 2, Bytes: 2200 * mb}, Overage: 1200 * mb, Blocks: p.Blocks,
		Credited: 500 * mb, Until: a.TermEnd(), Closed: true}
	if !reflect.DeepEqual(*p, want) || len(p.Blocks) != 1 || p.Blocks[0].Bytes != 2*gb {
		t.Errorf("the period adds up to %+v, want %+v", *p, want)
	}
	st, err := s.Overview.Statement("acme", time.Time{})
	if err != nil || st.Balance != f.Balance || f.Balance != account(t, s, "acme").Balance || st.Ended || quota.Sum(f.Lots) != 500*mb || len(st.Invoices) != len(f.Bills) {
		t.Errorf("Statement = %+v, %v, the ledger adds up to %+v", st, err, f)
	}
	if len(st.Periods) != 2 || st.Periods[1].Period != "2026-12" || st.Periods[1].Closed {
		t.Errorf("periods = %+v", st.Periods)
	}
	if _, err := s.Orders.CloseAccount(behalf.Order{}, "acme", "moves away"); err != nil {
		t.Fatal(err)
	}
	if st, err := s.Overview.Statement("acme", time.Time{}); err != nil || !st.Ended || len(st.Lots) != 0 || st.Periods[1].Expired != 500*mb {
		t.Errorf("of a closed account Statement = %+v, %v", st, err)
	}
}
