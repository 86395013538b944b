package cli

import (
	"io"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"relay/cli/proof"
	"relay/quota"
	"relay/store"
)

// All that one command line sets is one transaction: its entries are of one instant.
func TestAccountSet_atOnce(t *testing.T) {
	moving := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	st, err := proof.OpenStore(filepath.Join(t.TempDir(), "relay.db"), store.Options{Now: func() time.Time { moving = moving.Add(time.Second); return moving }})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	c := &call{program: &program{App: App{Stdout: io.Discard, Stderr: io.Discard}}, ctx: t.Context(), st: st}
	free := quota.Plan{Name: "free", Term: quota.Year, Bandwidth: 500_000_000}
	more := free
	more.Name, more.Bandwidth = "more", 1_000_000_000
	for _, p := range []quota.Plan{free, more} {
		if err := st.AddPlan(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.AddCustomer(store.Customer{Name: "anna"}); err != nil {
		t.Fatal(err)
	}
	if _, err := st.AddAccount(store.Order{}, store.NewAccount{Account: store.Account{Name: "web"}, Plan: free}); err != nil {
		t.Fatal(err)
	}
	since := ledgerOf(t, st, "web")
	f := accountChange{accountFlags: accountFlags{plan: "more", atLimit: "continue", owner: "anna", contact: "a@web.example"}, abuse: "spam"}
	if err := c.accountSet("web", &f); err != nil {
		t.Fatal(err)
	}
	var kinds []store.Kind
	is := ledgerOf(t, st, "web")[len(since):]
	for i := range is {
		kinds = append(kinds, is[i].Kind)
		if !is[i].Time.Equal(is[0].Time) {
			t.Errorf("entry %s is of another instant, %s, than %s", is[i].Kind, is[i].Time, is[0].Time)
		}
	}
	if want := []store.Kind{store.KindPlan, store.KindLimit, store.KindAbuse}; !slices.Equal(kinds, want) {
		t.Errorf("entries %v, want %v", kinds, want)
	}
	a, err := st.Account("web")
	if err != nil || a.Owner != "anna" || a.Contact != "a@web.example" || !a.Abuse || a.AtLimit != quota.Continue || a.Plan(moving).Name != "more" {
		t.Errorf("the account is %+v, %v", a, err)
	}
}
