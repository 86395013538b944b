package forecast

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"relay/quota"
	"relay/store/ledger"
)

// mustMonths of a customer whose first one is 2026-11 in Rome.
func mustMonths(t *testing.T, c Customer) (list []Month) {
	t.Helper()
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	c.Zone, c.From = rome, time.Date(2026, 11, 1, 0, 0, 0, 0, rome)
	c.Billing.Currency, c.AtLimit = cmp.Or(c.Billing.Currency, "EUR"), cmp.Or(c.AtLimit, quota.Suspend)
	err = Run(t.Context(), t.TempDir(), c, func(m Month) error { list = append(list, m); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// M15: what blocks leave unused is credited in whole steps of 500 MB.
func TestRun_overage(t *testing.T) {
	plan := quota.Plan{Name: "big", Term: quota.Year, Bandwidth: 1_000_000_000, Price: 1200,
		Blocks: []quota.Block{{Bytes: 1e9, Price: 500}, {Bytes: 2e9, Price: 600}, {Bytes: 5e9, Price: 900}}}
	for _, c := range []struct {
		used   int64 // MB
		blocks string
		price  int64
		credit int64
	}{
		{1500, "1 × 1 GB", 500, 500_000_000},
		{2200, "1 × 2 GB", 600, 500_000_000},
		{2600, "1 × 2 GB", 600, 0},
		{3600, "1 × 5 GB", 900, 2_000_000_000},
		{1000, "", 0, 0},
	} {
		m := mustMonths(t, Customer{Plan: plan, Size: 1_000_000, Emails: c.used, Months: 1, AtLimit: quota.Continue,
			Billing: ledger.Billing{Currency: "EUR", TaxRate: 22 * quota.Percent}})[0]
		over := (c.used - 1000) * 1_000_000
		if m.Emails != c.used || m.Bytes != c.used*1_000_000 || m.Over != over || m.Overage != over || m.Refused != 0 {
			t.Errorf("%d MB: %+v", c.used, m)
		}
		net := 1200 + c.price
		if m.Blocks != c.blocks || m.Credited != c.credit || m.Credit != c.credit || m.Net != net || m.Total != m.Net+m.Tax || m.Tax != net*22/100 {
			t.Errorf("%d MB: %+v, want %+v", c.used, m, c)
		}
	}
}

// With suspend the same customer is refused to the e-mail, and owes nothing.
func TestRun_suspend(t *testing.T) {
	plan := quota.Plan{Name: "big", Term: quota.Year, Bandwidth: 1_000_000_000, Blocks: []quota.Block{{Bytes: 1e9, Price: 500}}}
	list := mustMonths(t, Customer{Plan: plan, Size: 700_000, Emails: 2500, Months: 2})
	for _, m := range list {
		if m.Emails != 1428 || m.Refused != 2500-1428 || m.Bytes != 1428*700_000 || m.Over != 0 || m.Total != 0 || len(m.Invoices) != 0 {
			t.Errorf("%+v", m)
		}
	}
	if want := []Event{{"2026-11-18", Limit}, {"2026-11-18", Refused}}; !slices.Equal(list[0].Events, want) {
		t.Errorf("events %v, want %v", list[0].Events, want)
	}
}

// M17: a top-up's rest is credited to the e-mail.
func TestRun_topUp(t *testing.T) {
	plan := quota.Plan{Name: "standard-count", Term: quota.Year, Emails: 50_000}
	by := quota.Plan{Name: "entry-count-month", Term: quota.Month, Emails: 9000, Price: 300}
	list := mustMonths(t, Customer{Plan: plan, TopUp: &by, Size: 100, Emails: 55_000, Months: 3})
	for i, want := range []struct{ topUps, credit, total int64 }{{1, 4000, 300}, {1, 8000, 300}, {0, 3000, 0}} {
		m := list[i]
		if m.Emails != 55_000 || m.Refused != 0 || m.Over != 5000 || m.Drawn != 5000 || int64(m.TopUps) != want.topUps || m.Credit != want.credit || m.Total != want.total {
			t.Errorf("%d: %+v, want %+v", i, m, want)
		}
	}
	for _, m := range mustMonths(t, Customer{Plan: plan, Size: 100, Emails: 55_000, Months: 2}) {
		if m.Emails != 50_000 || m.Refused != 5000 || m.Over != 0 || m.Credit != 0 {
			t.Errorf("without: %+v", m)
		}
	}
}

// A term that is over is bought again, and its credit is lost.
func TestRun_terms(t *testing.T) {
	year := quota.Plan{Name: "big", Term: quota.Year, Bandwidth: 1_000_000_000, Price: 1200, Blocks: []quota.Block{{Bytes: 5e9, Price: 600}}}
	list := mustMonths(t, Customer{Plan: year, Size: 5_000_000, Emails: 300, Months: 14, AtLimit: quota.Continue})
	var total int64
	for i, m := range list {
		total += m.Total
		if first := i%12 == 0; first != (m.Total >= 1200) {
			t.Errorf("%s: %d", m.Period, m.Total)
		}
	}
	if list[13].Period != "2027-12" || list[10].Credit != 4_500_000_000 || list[11].Credit != 0 || list[11].Lost != 4_000_000_000 {
		t.Errorf("%+v", list[9:])
	}
	if s := Sum(list); s.Total != total || s.Emails != 14*300 || s.Overage == 0 {
		t.Errorf("%+v", s)
	}
	month := quota.Plan{Name: "m", Term: quota.Month, Emails: 900, Price: 100}
	got := mustMonths(t, Customer{Plan: month, Size: 10_000, Emails: 1000, Months: 3})
	var keys []string
	for _, m := range got {
		keys = append(keys, m.Period)
		if m.Emails != 900 || m.Refused != 100 || m.Total != 100 {
			t.Errorf("%+v", m)
		}
	}
	if want := []string{"2026-11-01", "2026-12-01", "2026-12-31"}; !slices.Equal(keys, want) {
		t.Errorf("periods %q, want %q", keys, want)
	}
}

// sender is a customer of a small plan.
func sender() Customer {
	return Customer{Plan: quota.Plan{Name: "count", Term: quota.Year, Emails: 10}, Size: 100, Emails: 1, Months: 60, AtLimit: quota.Suspend,
		From: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Zone: time.UTC, Billing: ledger.Billing{Currency: "EUR"}}
}

// A plan on top that is much too small is an error, not a loop.
func TestSimulation_day_tooManyTopUps(t *testing.T) {
	c := sender()
	c.TopUp = &quota.Plan{Name: "one", Term: quota.Month, Emails: 1}
	s, err := open(t.Context(), t.TempDir(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.st.Close()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	m := Month{Period: "2026-11", TopUps: MostTopUps - 2}
	left, err := s.day(&m, 15)
	many, ok := errors.AsType[*TooManyTopUps](err)
	if !ok || *many != (TooManyTopUps{"one", "2026-11"}) || left != 3 {
		t.Errorf("%d left, %v, want 3 beyond the plan and two top-ups", left, err)
	}
}

// A simulation ends after the month in which it is told to, and with its context.
func TestRun_ends(t *testing.T) {
	enough, n := errors.New("enough"), 0
	err := Run(t.Context(), t.TempDir(), sender(), func(Month) error { n++; return enough })
	if !errors.Is(err, enough) || n != 1 {
		t.Errorf("%v after %d months", err, n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = Run(ctx, t.TempDir(), sender(), func(Month) error { t.Error("a month, after the end"); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestYears(t *testing.T) {
	for n, want := range map[int][]int{0: nil, 1: {1}, 12: {12}, 13: {12, 1}, 36: {12, 12, 12}} {
		var got []int
		for _, y := range Years(make([]Month, n)) {
			got = append(got, y.Months)
		}
		if !slices.Equal(got, want) {
			t.Errorf("years of %d months: %v, want %v", n, got, want)
		}
	}
}
