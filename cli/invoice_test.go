package cli

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"relay/cli/config"
	"relay/cli/proof"
	"relay/quota"
	"relay/report/api/answer"
	"relay/store"
)

// billed is a store whose clock a test turns, with an account that has a plan of
// 100.00 and has not paid it.
func billed(t *testing.T) (c *call, out *strings.Builder, now *time.Time) {
	t.Helper()
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	now = &at
	st, err := proof.OpenStore(filepath.Join(t.TempDir(), "relay.db"), store.Options{
		Now: func() time.Time { return *now }, Billing: store.Billing{DueDays: 14, GraceDays: 10}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	p := quota.Plan{Name: "paid", Term: quota.Year, Bandwidth: 500_000_000, Price: 10_000}
	n := store.NewAccount{Account: store.Account{Name: "acme"}, Plan: p, Activate: true}
	if _, err := st.AddAccount(store.Order{By: "test"}, n); err != nil {
		t.Fatal(err)
	}
	out = &strings.Builder{}
	return &call{program: &program{App: App{Stdout: out, Stderr: out}}, ctx: t.Context(), st: st, args: []string{"1"}}, out, now
}

// An invoice is late when the day is over on which it was to be paid. One that is
// only ordered never is: it is simply not had.
func TestInvoices_overdue(t *testing.T) {
	c, out, now := billed(t)
	if err := c.st.AddPlan(quota.Plan{Name: "paid", Term: quota.Year, Bandwidth: 500_000_000, Price: 12_000}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.st.Renew(store.Order{}, "acme", ""); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		at   time.Time
		want string
	}{
		{time.Date(2026, 12, 7, 23, 59, 0, 0, time.UTC), "NUMBER  ISSUED  ACCOUNT  FOR  TOTAL  OPEN  STATE\n-- 0 documents, EUR 0.00 open\n"},
		{time.Date(2026, 12, 8, 0, 0, 0, 0, time.UTC), `NUMBER  ISSUED      ACCOUNT  FOR     TOTAL    OPEN  STATE
1       2026-11-23  acme     order  100.00  100.00  late 2026-12-07
-- 1 document, EUR 100.00 open
`},
	} {
		*now = step.at
		out.Reset()
		if err := c.listInvoices(&invoiceFilter{overdue: true}); err != nil {
			t.Fatal(err)
		}
		if out.String() != step.want {
			t.Errorf("at %s\n%swant\n%s", step.at, out, step.want)
		}
	}
}

// The payment lifts what the system holds back, part of it does not.
func TestPayment_lifts(t *testing.T) {
	c, out, now := billed(t)
	*now = now.AddDate(0, 0, 30)
	held := 0
	told := func(_ store.Invoice, r store.Receipt, err error) {
		if err == nil && r.After.Hold != "" {
			held++
		}
	}
	if err := c.st.DunBy(t.Context(), *now, told); held != 1 || err != nil {
		t.Fatalf("DunBy held back %d, %v", held, err)
	}
	f := paying{method: "bank", reference: "1", amount: "40"}
	if err := c.recordPayment(&f); err != nil {
		t.Fatal(err)
	}
	mustMatch(t, "a part", out.String(), `account +acme is suspended: it still owes what it was held back for`)
	out.Reset()
	f = paying{method: "bank", reference: "2"}
	if err := c.recordPayment(&f); err != nil {
		t.Fatal(err)
	}
	want := `payment  EUR 60.00 by bank, reference 2
invoice  1: paid
account  acme is active again, no longer held back as unpaid; its term runs to
         the end of 2027-11-22
balance  EUR 0.00: nothing is owed
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out, want)
	}
}

// What is left of a payment pays what else is open: what was had before what is
// only ordered.
func TestPayment_paysOthers(t *testing.T) {
	c, out, _ := billed(t)
	if _, err := c.st.Renew(store.Order{}, "acme", ""); err == nil {
		t.Fatal("a plan that is not sold was renewed")
	}
	for name, price := range map[string]int64{"paid": 12_000, "large": 10_000} {
		if err := c.st.AddPlan(quota.Plan{Name: name, Term: quota.Year, Bandwidth: 900_000_000, Price: price}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.st.Renew(store.Order{}, "acme", "large"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.st.Upgrade(store.Order{}, "acme", "paid"); err != nil {
		t.Fatal(err)
	}
	f := paying{method: "card", reference: "all", amount: "130"}
	c.args = []string{"1"}
	if err := c.recordPayment(&f); err != nil {
		t.Fatal(err)
	}
	want := `payment  EUR 130.00 by card, reference all
invoice  1: paid
invoice  2 (renewal): part-paid, EUR 90.00 of EUR 100.00 are left to pay
invoice  3 (upgrade): paid
account  acme is active; its term runs to the end of 2027-11-22
balance  EUR 90.00 are still to be paid
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out, want)
	}
}

func TestInPeriod(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	overage := &store.Invoice{Period: "2026-10", Issued: time.Date(2026, 11, 1, 0, 0, 5, 0, time.UTC)}
	order := &store.Invoice{Issued: time.Date(2026, 10, 31, 23, 30, 0, 0, time.UTC)} // November in Rome
	for _, c := range []struct {
		i      *store.Invoice
		period string
		want   bool
	}{
		{overage, "2026-10", true}, {overage, "2026-11", false}, {overage, "2026", true},
		{order, "2026-11", true}, {order, "2026-10", false}, {order, "2026-11-01", true}, {order, "2026-1", false},
	} {
		if got := inPeriod(c.i, c.period, rome); got != c.want {
			t.Errorf("inPeriod(%+v, %s) = %t", c.i, c.period, got)
		}
	}
}

// Days on paper are those of the books, wherever the configuration says they are.
func TestCall_documents(t *testing.T) {
	c, _, _ := billed(t)
	c.cfg = &config.Config{Timezone: "Asia/Tokyo", Billing: config.Billing{PaymentText: "{invoice}"}}
	if o := answer.Documents(c.acts()); o.Zone != c.st.Zone() || o.Text != "{invoice}" {
		t.Errorf("%+v, want the zone %v", o, c.st.Zone())
	}
}
