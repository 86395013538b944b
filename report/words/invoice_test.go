package words

import (
	"testing"

	"relay/quota"
	"relay/store"
)

func TestLanguage_Print(t *testing.T) {
	i := &store.Invoice{Cause: store.CausePartly, Lines: []store.InvoiceLine{
		{Item: store.Item{Kind: store.ItemTerm, Plan: "gold", Term: quota.Year}},
		{Item: store.Item{Kind: store.ItemTerm, Plan: "gold", Term: quota.Year, Starts: "2028-11-23"}},
		{Item: store.Item{Kind: store.ItemUpgrade, From: "silver", Plan: "gold", Left: 364, Days: 365}},
		{Item: store.Item{Kind: store.ItemTopUp, Plan: "more"}},
		{Item: store.Item{Kind: store.ItemAhead, Bytes: 2e9}},
		{Item: store.Item{Kind: store.ItemOverage, Bytes: 1e9, Over: 1_500_000_000, Period: "2026-11"}},
		{Item: store.Item{Kind: store.ItemOverage, Bytes: 5e8}},
		{Item: store.Item{Kind: store.ItemCredit, Bytes: 5e8, Until: "2027-11-22"}},
		{Text: "as it was issued before"},
	}}
	English.Print(i)
	for at, want := range []string{"plan gold, a year", "plan gold, a year from 2028-11-23", "upgrade from silver to gold, 364 of 365 days",
		"top-up by plan more", "prepaid bandwidth, 2 GB", "1 GB for 1.5 GB beyond the allowance of 2026-11", "500 MB for the same",
		"500 MB of it not used: credit until 2027-11-22", "as it was issued before"} {
		if got := i.Lines[at].Text; got != want {
			t.Errorf("line %d says %q, want %q", at, got, want)
		}
	}
	if i.Reason != "cancelled, it was not paid in full" {
		t.Errorf("the reason is %q", i.Reason)
	}
	given := &store.Invoice{Reason: "a mistake"}
	if English.Print(given); given.Reason != "a mistake" {
		t.Errorf("the operator's reason became %q", given.Reason)
	}
}

// Causes that the story of the books does not come to.
func TestLanguage_Cause(t *testing.T) {
	for cause, want := range map[store.Cause]string{
		store.CauseNotBegun: "its term had not begun", store.CauseLost: "issued by a store that this one does not follow",
	} {
		if got := English.Cause(cause); got != want {
			t.Errorf("Cause(%s) = %q, want %q", cause, got, want)
		}
	}
	before := store.Entry{Kind: store.KindCharge, Facts: store.Facts{Cause: store.CauseUndated}}
	if got := English.Entry(&before); got != "before days were kept" {
		t.Errorf("Entry = %q", got)
	}
}
