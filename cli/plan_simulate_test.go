package cli

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"relay/quota"
	"relay/store"
)

// simulateFor runs the simulation of plan.
func simulateFor(t *testing.T, in simInput) []simMonth {
	t.Helper()
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	in.zone, in.from = rome, time.Date(2026, 11, 1, 0, 0, 0, 0, rome)
	if in.billing.Currency == "" {
		in.billing = store.Billing{Currency: "EUR"}
	}
	if in.atLimit == "" {
		in.atLimit = quota.Suspend
	}
	c := &call{ctx: t.Context()}
	months, err := c.simulate(in)
	if err != nil {
		t.Fatal(err)
	}
	return months
}

// M15: what blocks leave unused is credited in whole steps of 500 MB.
func TestSimulate_overage(t *testing.T) {
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
		m := simulateFor(t, simInput{plan: plan, size: 1_000_000, emails: c.used, months: 1, atLimit: quota.Continue,
			billing: store.Billing{Currency: "EUR", TaxRate: 22 * quota.Percent}})[0]
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
func TestSimulate_suspend(t *testing.T) {
	plan := quota.Plan{Name: "big", Term: quota.Year, Bandwidth: 1_000_000_000, Blocks: []quota.Block{{Bytes: 1e9, Price: 500}}}
	months := simulateFor(t, simInput{plan: plan, size: 700_000, emails: 2500, months: 2})
	for _, m := range months {
		if m.Emails != 1428 || m.Refused != 2500-1428 || m.Bytes != 1428*700_000 || m.Over != 0 || m.Total != 0 || len(m.Invoices) != 0 {
			t.Errorf("%+v", m)
		}
	}
	if got, want := eventsText(months[0].Events), "limit on the 18th, refused from the 18th"; got != want {
		t.Errorf("events %q, want %q", got, want)
	}
}

// M17: a top-up's rest is credited to the e-mail.
func TestSimulate_topUp(t *testing.T) {
	plan := quota.Plan{Name: "standard-count", Term: quota.Year, Emails: 50_000}
	by := quota.Plan{Name: "entry-count-month", Term: quota.Month, Emails: 9000, Price: 300}
	months := simulateFor(t, simInput{plan: plan, topUp: &by, size: 100, emails: 55_000, months: 3})
	for i, want := range []struct{ topUps, credit, total int64 }{{1, 4000, 300}, {1, 8000, 300}, {0, 3000, 0}} {
		m := months[i]
		if m.Emails != 55_000 || m.Refused != 0 || m.Over != 5000 || m.Drawn != 5000 || int64(m.TopUps) != want.topUps || m.Credit != want.credit || m.Total != want.total {
			t.Errorf("%d: %+v, want %+v", i, m, want)
		}
	}
	for _, m := range simulateFor(t, simInput{plan: plan, size: 100, emails: 55_000, months: 2}) {
		if m.Emails != 50_000 || m.Refused != 5000 || m.Over != 0 || m.Credit != 0 {
			t.Errorf("without: %+v", m)
		}
	}
}

// A term that is over is bought again, and its credit is lost.
func TestSimulate_terms(t *testing.T) {
	year := quota.Plan{Name: "big", Term: quota.Year, Bandwidth: 1_000_000_000, Price: 1200, Blocks: []quota.Block{{Bytes: 5e9, Price: 600}}}
	months := simulateFor(t, simInput{plan: year, size: 5_000_000, emails: 300, months: 14, atLimit: quota.Continue})
	var total int64
	for i, m := range months {
		total += m.Total
		if first := i%12 == 0; first != (m.Total >= 1200) {
			t.Errorf("%s: %d", m.Period, m.Total)
		}
	}
	if months[13].Period != "2027-12" || months[10].Credit != 4_500_000_000 || months[11].Credit != 0 || months[11].Lost != 4_000_000_000 {
		t.Errorf("%+v", months[9:])
	}
	if s := sumOf(months); s.Total != total || s.Emails != 14*300 || s.Overage == 0 {
		t.Errorf("%+v", s)
	}
	month := quota.Plan{Name: "m", Term: quota.Month, Emails: 900, Price: 100}
	got := simulateFor(t, simInput{plan: month, size: 10_000, emails: 1000, months: 3})
	var keys []string
	for _, m := range got {
		keys = append(keys, m.Period)
		if m.Emails != 900 || m.Refused != 100 || m.Total != 100 {
			t.Errorf("%+v", m)
		}
	}
	if d := cmp.Diff([]string{"2026-11-01", "2026-12-01", "2026-12-31"}, keys); d != "" {
		t.Error(d)
	}
	text, err := json.Marshal(got)
	if err != nil || bytes.Contains(text, []byte("null")) {
		t.Errorf("%s, %v", text, err)
	}
}

func TestOrdinal(t *testing.T) {
	for date, want := range map[string]string{"2026-11-01": "1st", "2026-11-02": "2nd", "2026-11-03": "3rd", "2026-11-11": "11th",
		"2026-11-12": "12th", "2026-11-13": "13th", "2026-11-21": "21st", "2026-11-30": "30th", "2026-12-31": "31st"} {
		if got := ordinal(date); got != want {
			t.Errorf("%s: %s", date, got)
		}
	}
}
