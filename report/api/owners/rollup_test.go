package owners_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"relay/quota"
	"relay/report/api"
	"relay/report/api/accounts"
	"relay/report/api/act"
	"relay/report/api/owners"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/orders"
	"relay/store/people"
	"relay/store/spooled"
)

// billed is a store by a test's clock, with an account that has a plan of 100.00 and has
// not paid it.
func billed(t *testing.T, now *time.Time) *store.Store {
	t.Helper()
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
	if _, err := st.Orders.AddAccount(behalf.Order{By: "test"}, orders.NewAccount{Account: books.Account{Name: "acme"}, Plan: p, Activate: true}); err != nil {
		t.Fatal(err)
	}
	return st
}

// Use and balance of each account are those of its ledger, whatever customer or reseller it
// was below before, and however long ago it was used last.
func TestRollUp(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	st, now := billed(t, &at), &at // acme owes 100.00
	for _, name := range []string{"webco", "rival"} {
		if err := st.People.AddReseller(people.Reseller{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.People.AddCustomer(people.Customer{Name: "boss"}); err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]quota.Plan{
		"year":    {Name: "year", Term: quota.Year, Emails: 1000},
		"month":   {Name: "month", Term: quota.Month, Emails: 1000},
		"shut":    {Name: "year", Term: quota.Year, Emails: 1000},
		"plain":   {Name: "year", Term: quota.Year, Emails: 1000},
		"ordered": {Name: "dear", Term: quota.Year, Emails: 1000, Price: 2000},
	} {
		n := orders.NewAccount{Account: books.Account{Name: name, Owner: "boss", Reseller: "rival"}, Plan: p}
		if _, err := st.Orders.AddAccount(behalf.Order{}, n); err != nil {
			t.Fatal(err)
		}
	}
	set := func(name string, f accounts.AccountFields) {
		t.Helper()
		in := &accounts.AccountChange{Account: name}
		in.Body.AccountFields = f
		if _, err := accounts.Set.Call(t.Context(), operatorOn(st), in); err != nil {
			t.Fatal(err)
		}
	}
	set("acme", accounts.AccountFields{Owner: new("boss"), Reseller: new("webco")})
	send := func(at time.Time, name string, recipients int) {
		t.Helper()
		*now = at
		b := st.Bodies.New()
		if _, err := b.Write(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		m := &spooled.Message{Account: name, Size: 100, Expires: at.AddDate(0, 0, 4)}
		for i := range recipients {
			m.Recipients = append(m.Recipients, spooled.Recipient{Address: fmt.Sprintf("r%d@one.example", i), Domain: "one.example"})
		}
		if no, err := st.Accept(store.Intake{Message: m, Body: b}); no != nil || err != nil {
			t.Fatalf("%s: %+v, %v", name, no, err)
		}
	}
	november, december := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), time.Date(2026, 12, 20, 12, 0, 0, 0, time.UTC)
	for _, name := range []string{"year", "month", "shut", "plain", "acme"} {
		send(november, name, 1)
	}
	if _, err := st.Orders.CloseAccount(behalf.Order{}, "shut", "x"); err != nil {
		t.Fatal(err)
	}
	send(december, "year", 10)
	send(december, "month", 10) // of the 30 days that began in November
	for name, to := range map[string]string{"month": "webco", "ordered": "webco", "shut": "webco"} {
		set(name, accounts.AccountFields{Reseller: &to})
	}
	service := operatorOn(st)
	sums := func(w books.Wanted) (now, last int64, accounts int, b owners.Billed, balance int64) {
		t.Helper()
		var sum owners.RollUp
		if w.Owner != "" {
			v, err := owners.ShowCustomer.Call(t.Context(), service, &owners.CustomerName{Customer: w.Owner})
			if err != nil {
				t.Fatal(err)
			}
			sum = v.RollUp
		} else {
			v, err := owners.ShowReseller.Call(t.Context(), service, &owners.ResellerName{Reseller: w.Reseller})
			if err != nil {
				t.Fatal(err)
			}
			sum = v.RollUp
		}
		return sum.Now.Messages, sum.Last.Messages, len(sum.List), sum.Invoices, sum.Balance
	}
	type figures struct {
		now, last int64
		accounts  int
		billed    owners.Billed
		balance   int64
	}
	// An invoice counts where the account was at its issue. The one of acme counts nowhere.
	owing := owners.Billed{Open: 1, Owed: 2000, Waiting: 2000}
	for _, step := range []struct {
		at    time.Time
		of    books.Wanted
		wants figures
	}{
		{december, books.Wanted{Reseller: "webco"}, figures{0, 1 + 10 + 1 + 1, 4, owners.Billed{}, -12_000}},
		{december, books.Wanted{Reseller: "rival"}, figures{10, 2, 2, owing, 0}},
		{december, books.Wanted{Owner: "boss"}, figures{10, 1 + 11 + 1 + 1 + 1, 6, owing, -12_000}},
		{december.AddDate(0, 1, 0), books.Wanted{Owner: "boss"}, figures{0, 10, 6, owing, -12_000}},
		{december.AddDate(1, 0, 0), books.Wanted{Owner: "boss"}, figures{0, 0, 6, owing, -12_000}},
	} {
		*now = step.at
		var got figures
		got.now, got.last, got.accounts, got.billed, got.balance = sums(step.of)
		if got != step.wants {
			t.Errorf("%s, %+v: %+v, want %+v", step.at.Format(time.DateOnly), step.of, got, step.wants)
		}
	}
}

// operatorOn is the service on an open store, asked by the operator.
func operatorOn(st *store.Store) act.Caller {
	s := &act.Service{Store: st, Log: slog.New(slog.DiscardHandler), Rules: func() *act.Rules { return &act.Rules{} }}
	return &act.Local{Handler: api.New(s), Actor: act.Actor{Kind: act.Operator, UID: -1}}
}
