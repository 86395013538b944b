package billing

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cli "github.com/urfave/cli/v2"

	"relay/cli/reach"
	"relay/cli/shell"
	"relay/quota"
	"relay/report/api"
	"relay/report/api/act"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/orders"
)

// billed is a store whose clock a test turns, with an account that has a plan of
// 100.00 and has not paid it.
func billed(t *testing.T) (e *shell.Env, st *store.Store, out *strings.Builder, now *time.Time) {
	t.Helper()
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	now = &at
	st, err := store.Open(filepath.Join(t.TempDir(), "relay.db"), store.Options{
		Now: func() time.Time { return *now }, Billing: ledger.Billing{DueDays: 14, GraceDays: 10}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	p := quota.Plan{Name: "paid", Term: quota.Year, Bandwidth: 500_000_000, Price: 10_000}
	n := orders.NewAccount{Account: books.Account{Name: "acme"}, Plan: p, Activate: true}
	if _, err := st.Orders.AddAccount(behalf.Order{By: "test"}, n); err != nil {
		t.Fatal(err)
	}
	out = &strings.Builder{}
	h := api.New(&act.Service{Store: st, Log: slog.New(slog.DiscardHandler), Rules: func() *act.Rules { return &act.Rules{} }})
	s := &reach.Service{Socket: filepath.Join(t.TempDir(), "none"), Open: func() (reach.Store, error) { return opened{h}, nil }}
	return &shell.Env{Stdout: out, Stderr: out, Service: s}, st, out, now
}

// opened is a store that another one closes.
type opened struct{ *act.API }

func (o opened) Local(string) (*act.Local, error) {
	return &act.Local{Handler: o.API, Actor: act.Actor{Kind: act.Operator}}, nil
}

func (opened) Close() error { return nil }

// run gives a command of the group.
func run(t *testing.T, e *shell.Env, args ...string) {
	t.Helper()
	app := &cli.App{Commands: []*cli.Command{InvoiceCommand(e), PaymentCommand(e)}}
	if err := app.RunContext(t.Context(), append([]string{"relay"}, args...)); err != nil {
		t.Fatal(err)
	}
}

// An invoice is late when the day is over on which it was to be paid. One that is
// only ordered never is: it is simply not had.
func TestInvoices_overdue(t *testing.T) {
	e, st, out, now := billed(t)
	if err := st.Books.AddPlan(quota.Plan{Name: "paid", Term: quota.Year, Bandwidth: 500_000_000, Price: 12_000}); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Orders.Renew(behalf.Order{}, "acme", ""); err != nil {
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
		run(t, e, "invoice", "list", "--overdue")
		if out.String() != step.want {
			t.Errorf("at %s\n%swant\n%s", step.at, out, step.want)
		}
	}
}

// The payment lifts what the system holds back, part of it does not.
func TestPayment_lifts(t *testing.T) {
	e, st, out, now := billed(t)
	*now = now.AddDate(0, 0, 30)
	held := 0
	told := func(_ ledger.Invoice, r orders.Receipt, err error) {
		if err == nil && r.After.Hold != "" {
			held++
		}
	}
	if err := st.Orders.DunBy(t.Context(), *now, told); held != 1 || err != nil {
		t.Fatalf("DunBy held back %d, %v", held, err)
	}
	run(t, e, "payment", "record", "--method", "bank", "--reference", "1", "--amount", "40", "1")
	if want := "account  acme is suspended: it still owes what it was held back for"; !strings.Contains(out.String(), want) {
		t.Errorf("got\n%swant\n%s", out, want)
	}
	out.Reset()
	run(t, e, "payment", "record", "--method", "bank", "--reference", "2", "1")
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
	e, st, out, _ := billed(t)
	if _, err := st.Orders.Renew(behalf.Order{}, "acme", ""); err == nil {
		t.Fatal("a plan that is not sold was renewed")
	}
	for name, price := range map[string]int64{"paid": 12_000, "large": 10_000} {
		if err := st.Books.AddPlan(quota.Plan{Name: name, Term: quota.Year, Bandwidth: 900_000_000, Price: price}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := st.Orders.Renew(behalf.Order{}, "acme", "large"); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Orders.Upgrade(behalf.Order{}, "acme", "paid"); err != nil {
		t.Fatal(err)
	}
	run(t, e, "payment", "record", "--method", "card", "--reference", "all", "--amount", "130", "1")
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
