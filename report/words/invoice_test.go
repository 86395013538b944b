package words

import (
	"testing"

	"relay/quota"
	"relay/store/books"
	"relay/store/ledger"
)

func TestLanguage_Print(t *testing.T) {
	i := &ledger.Invoice{Cause: ledger.CausePartly, Lines: []ledger.InvoiceLine{
		{Item: ledger.Item{Kind: ledger.ItemTerm, Plan: "gold", Term: quota.Year}},
		{Item: ledger.Item{Kind: ledger.ItemTerm, Plan: "gold", Term: quota.Year, Starts: "2028-11-23"}},
		{Item: ledger.Item{Kind: ledger.ItemUpgrade, From: "silver", Plan: "gold", Left: 364, Days: 365}},
		{Item: ledger.Item{Kind: ledger.ItemTopUp, Plan: "more"}},
		{Item: ledger.Item{Kind: ledger.ItemAhead, Bytes: 2e9}},
		{Item: ledger.Item{Kind: ledger.ItemOverage, Bytes: 1e9, Over: 1_500_000_000, Period: "2026-11"}},
		{Item: ledger.Item{Kind: ledger.ItemOverage, Bytes: 5e8}},
		{Item: ledger.Item{Kind: ledger.ItemCredit, Bytes: 5e8, Until: "2027-11-22"}},
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
	given := &ledger.Invoice{Reason: "a mistake"}
	if English.Print(given); given.Reason != "a mistake" {
		t.Errorf("the operator's reason became %q", given.Reason)
	}
}

// Causes that the story of the books does not come to.
func TestLanguage_Cause(t *testing.T) {
	for cause, want := range map[ledger.Cause]string{
		ledger.CauseNotBegun: "its term had not begun", ledger.CauseLost: "issued by a store that this one does not follow",
	} {
		if got := English.Cause(cause); got != want {
			t.Errorf("Cause(%s) = %q, want %q", cause, got, want)
		}
	}
	before := ledger.Entry{Kind: ledger.KindCharge, Facts: ledger.Facts{Cause: ledger.CauseUndated}}
	if got := English.Entry(&before); got != "before days were kept" {
		t.Errorf("Entry = %q", got)
	}
}

func TestLanguage_Hold(t *testing.T) {
	inEach(t, "Hold", func(l Language) string { return l.Hold(books.HoldUnpaid) + l.Hold("") }, "unpaid", "nicht bezahlt", "non pagato")
}

func TestLanguage_Printed_others(t *testing.T) {
	for _, line := range []string{"", "goodwill", "12 octets for the same", "plan gold, a year from soon"} {
		if got := German.Printed(line); got != line {
			t.Errorf("%q became %q", line, got)
		}
	}
}

// Mails about invoices say their lines in the customer's language.
func TestLanguage_Item(t *testing.T) {
	for _, c := range []struct {
		item                     ledger.Item
		english, german, italian string
	}{
		{ledger.Item{Kind: ledger.ItemTerm, Plan: "gold", Term: quota.Year, Starts: "2028-11-08"}, "plan gold, a year from 8 November 2028", "Tarif gold, ein Jahr ab 8. November 2028", "piano gold, un anno dall’8 novembre 2028"},
		{ledger.Item{Kind: ledger.ItemTerm, Plan: "entry", Term: quota.Month}, "plan entry, a month", "Tarif entry, 30 Tage", "piano entry, 30 giorni"},
		{ledger.Item{Kind: ledger.ItemUpgrade, From: "silver", Plan: "gold", Left: 364, Days: 365}, "upgrade from silver to gold, 364 of 365 days", "Wechsel von silver zu gold, 364 von 365 Tagen", "passaggio da silver a gold, 364 giorni su 365"},
		{ledger.Item{Kind: ledger.ItemTopUp, Plan: "more"}, "top-up by plan more", "Aufstockung mit Tarif more", "ricarica con il piano more"},
		{ledger.Item{Kind: ledger.ItemAhead, Bytes: 2e9}, "prepaid bandwidth, 2 GB", "vorab gekaufte Datenmenge, 2 GB", "traffico prepagato, 2 GB"},
		{ledger.Item{Kind: ledger.ItemOverage, Bytes: 1e9, Over: 1_500_000_000, Period: "2026-11"}, "1 GB for 1.5 GB beyond the allowance of November 2026", "1 GB für 1,5 GB über dem Kontingent (November 2026)", "1 GB per 1,5 GB oltre la quota (novembre 2026)"},
		{ledger.Item{Kind: ledger.ItemOverage, Bytes: 5e8}, "500 MB for the same", "500 MB für dasselbe", "500 MB per lo stesso motivo"},
		{ledger.Item{Kind: ledger.ItemCredit, Bytes: 5e8, Until: "2027-11-22"}, "500 MB of it not used: credit until 22 November 2027", "davon 500 MB nicht verbraucht: Guthaben bis 22. November 2027", "di cui 500 MB non usati: credito fino al 22 novembre 2027"},
	} {
		if got := Spaces(German.Item(&c.item)); got != c.german {
			t.Errorf("in German it is %q, want %q", got, c.german)
		}
		if got := Spaces(Italian.Item(&c.item)); got != c.italian {
			t.Errorf("in Italian it is %q, want %q", got, c.italian)
		}
		line := English.Item(&c.item) // as it is stored
		if got := Spaces(German.Printed(line)); got != c.german {
			t.Errorf("%q is in German %q, want %q", line, got, c.german)
		}
		if got := Spaces(Italian.Printed(line)); got != c.italian {
			t.Errorf("%q is in Italian %q, want %q", line, got, c.italian)
		}
		if got := Spaces(English.Printed(line)); got != c.english {
			t.Errorf("%q is in a mail %q, want %q", line, got, c.english)
		}
	}
}
