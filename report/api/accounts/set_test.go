package accounts

import (
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"relay/quota"
	"relay/report/api/act"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/orders"
	"relay/store/people"
)

// All that one request sets is one transaction: its entries are of one instant.
func TestAccountSet_atOnce(t *testing.T) {
	moving := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	st, err := store.Open(filepath.Join(t.TempDir(), "relay.db"), store.Options{Now: func() time.Time { moving = moving.Add(time.Second); return moving }})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	free := quota.Plan{Name: "free", Term: quota.Year, Bandwidth: 500_000_000}
	more := free
	more.Name, more.Bandwidth = "more", 1_000_000_000
	for _, p := range []quota.Plan{free, more} {
		if err := st.Books.AddPlan(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.People.AddCustomer(people.Customer{Name: "anna"}); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "web"}, Plan: free}); err != nil {
		t.Fatal(err)
	}
	since := ledgerOf(t, st, "web")
	in := &AccountChange{Account: "web"}
	in.Body.Plan, in.Body.Abuse = "more", new("spam")
	in.Body.AccountFields = AccountFields{AtLimit: "continue", Owner: new("anna"), Contact: new("a@web.example")}
	if _, err := Set.Call(t.Context(), operatorOf(st), in); err != nil {
		t.Fatal(err)
	}
	var kinds []ledger.Kind
	is := ledgerOf(t, st, "web")[len(since):]
	for i := range is {
		kinds = append(kinds, is[i].Kind)
		if !is[i].Time.Equal(is[0].Time) {
			t.Errorf("entry %s is of another instant, %s, than %s", is[i].Kind, is[i].Time, is[0].Time)
		}
	}
	if want := []ledger.Kind{ledger.KindPlan, ledger.KindLimit, ledger.KindAbuse}; !slices.Equal(kinds, want) {
		t.Errorf("entries %v, want %v", kinds, want)
	}
	a, err := st.Books.Account("web")
	if err != nil || a.Owner != "anna" || a.Contact != "a@web.example" || !a.Abuse || a.AtLimit != quota.Continue || a.Plan(moving).Name != "more" {
		t.Errorf("the account is %+v, %v", a, err)
	}
}

func ledgerOf(t *testing.T, st *store.Store, account string) (list []ledger.Entry) {
	t.Helper()
	if err := st.Books.Ledger(account, func(e *ledger.Entry) error { list = append(list, *e); return nil }); err != nil {
		t.Fatal(err)
	}
	return list
}

// operatorOf is the service on an open store, asked by the operator.
func operatorOf(st *store.Store) act.Caller {
	s := &act.Service{Store: st, Log: slog.New(slog.DiscardHandler), Rules: func() *act.Rules { return &act.Rules{} }}
	return &act.Local{Handler: act.NewAPI(s, Acts()...), Actor: act.Actor{Kind: act.Operator, UID: -1}}
}
