package invoice

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"relay/quota"
	"relay/store/ledger"
)

func TestNew(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	i := &ledger.Invoice{
		Number: 17, Name: "R/17", Account: "news", Kind: ledger.ForOrder, State: ledger.InvoiceOpen, Period: "2026-11",
		Issued: time.Date(2026, 11, 30, 23, 30, 0, 0, time.UTC), Due: time.Date(2026, 12, 14, 23, 30, 0, 0, time.UTC),
		Seller: []string{"Posta"}, Buyer: []string{"Müller"}, Currency: "EUR", Net: 12_000, Tax: 2_640, Total: 14_640, Paid: 4_640,
		Lines: []ledger.InvoiceLine{{Text: "plan x, a year", Count: 1, Price: 12_000, Net: 12_000, TaxRate: 22 * quota.Percent, Tax: 2_640}},
	}
	o := Options{Zone: zone, Link: "https://pay.example.org/{invoice}?a={amount}", Text: "{currency} {amount} for {account}, {invoice}"}
	want := &Document{
		Number: "R/17", State: Open, Account: "news", Period: "2026-11",
		Issued: time.Date(2026, 12, 1, 0, 30, 0, 0, zone), Due: time.Date(2026, 12, 15, 0, 30, 0, 0, zone),
		Seller: []string{"Posta"}, Buyer: []string{"Müller"}, Currency: "EUR", Net: 12_000, Tax: 2_640, Total: 14_640, Paid: 4_640,
		Lines: []Line{{Text: "plan x, a year", Count: 1, Price: 12_000, Net: 12_000, Rate: 220_000, Tax: 2_640}},
		Link:  "https://pay.example.org/R%2F17?a=100.00", Instructions: "EUR 100.00 for news, R/17",
	}
	if diff := cmp.Diff(want, New(i, o)); diff != "" {
		t.Errorf("New (-want +got):\n%s", diff)
	}
	i.Kind, i.About, i.Due = ledger.CreditNote, 9, time.Time{}
	i.Names = "Q/9"
	if d := New(i, Options{}); !d.CreditNote || d.About != "Q/9" || !d.Due.IsZero() || d.Issued.Location() != time.UTC {
		t.Errorf("credit note of 9 without a due date: %+v", d)
	}
}

func TestDocument_settled(t *testing.T) {
	d := open()
	for _, c := range []struct {
		name  string
		d     Document
		title string
		mark  string
		left  int64
		sums  []string
	}{
		{"open", *d, "Invoice R-17", "", 16287, []string{"Net", "Tax 22% on 133.50", "Total", "Paid", "Due by 7 December 2026"}},
		{"partly paid", *partlyPaid(), "Invoice R-17", "", 6287, []string{"Net", "Tax 22% on 133.50", "Total", "Paid", "Due by 7 December 2026"}},
		{"paid", *paid(), "Invoice R-17", "PAID", 0, []string{"Net", "Tax 22% on 133.50", "Tax 10% on 5.50", "Tax 0% on 1.20", "Total", "Paid", "Due"}},
		{"refunded", *refunded(), "Invoice R-17", "REFUNDED", 0, []string{"Net", "Tax 22% on 133.50", "Total", "Paid", "Due"}},
		{"cancelled", *cancelled(), "Invoice R-17", "CANCELLED", 0, []string{"Net", "Tax 22% on 133.50", "Total"}},
		{"credit note", *creditNote(), "Credit note R-18", "", 0, []string{"Net", "Tax 22% on -133.50", "Total"}},
	} {
		if got := c.d.Title(); got != c.title {
			t.Errorf("%s: title %q, want %q", c.name, got, c.title)
		}
		if got := c.d.Mark(); got != c.mark {
			t.Errorf("%s: mark %q, want %q", c.name, got, c.mark)
		}
		if got := c.d.Left(); got != c.left {
			t.Errorf("%s: left to pay %d, want %d", c.name, got, c.left)
		}
		var names []string
		for _, s := range c.d.sums() {
			names = append(names, s.Name)
		}
		if !slices.Equal(names, c.sums) {
			t.Errorf("%s: sums %q, want %q", c.name, names, c.sums)
		}
		if lines, link := c.d.howToPay(); (len(lines) > 0 || link != "") != (c.left > 0) {
			t.Errorf("%s: how to pay %q %q, with %d left", c.name, lines, link, c.left)
		}
	}
}

// The taxes by rate add up to the tax of the document.
func TestDocument_taxes(t *testing.T) {
	for name, d := range samples() {
		var net, tax int64
		for _, e := range d.taxes() {
			net, tax = net+e.Net, tax+e.Tax
		}
		if net != d.Net || tax != d.Tax {
			t.Errorf("%s: taxes %d on %d, want %d on %d", name, tax, net, d.Tax, d.Net)
		}
	}
}

func TestPeriod(t *testing.T) {
	for key, want := range map[string]string{
		"2026-11": "November 2026", "2026-11-2": "November 2026", "2026-11-23": "30 days from 23 November 2026",
		"2026-11-23-2": "30 days from 23 November 2026", "": "", "x": "x", "2026-13": "2026-13",
	} {
		if got := period(key); got != want {
			t.Errorf("period(%q) = %q, want %q", key, got, want)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"a\r\nb\tc": "a b c", "Cafe\u0301": "Café", "\x1b[31mred": "[31mred", "a\u202eb\u200d": "ab", "  ": "", "\xffa": "\uFFFDa",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

// The states and the tax of the store are those of a document.
func TestNew_words(t *testing.T) {
	for _, s := range []ledger.InvoiceState{ledger.InvoiceOpen, ledger.InvoicePaid, ledger.InvoiceCancelled, ledger.InvoiceRefunded} {
		if !slices.Contains([]State{Open, Paid, Cancelled, Refunded}, State(s)) {
			t.Errorf("a document does not know the state %q", s)
		}
	}
	tax, err := quota.Tax(13_350, 22*quota.Percent)
	if err != nil || tax != 2937 || (22*quota.Percent).String() != "22%" {
		t.Errorf("tax on 133.50 at %s is %d, %v", (22 * quota.Percent), tax, err)
	}
}
