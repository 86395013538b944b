package ledger

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"relay/quota"
)

// Entries of schema 8 and before have their facts in a text.
func TestEntry_Recall(t *testing.T) {
	for _, c := range []struct {
		is   Entry
		want Facts
	}{
		{Entry{Kind: KindInvoice, Note: "overage"}, Facts{For: ForOverage}},
		{Entry{Kind: KindCreditNote, Note: "order"}, Facts{For: ForOrder}},
		{Entry{Kind: KindPayment, Note: "bank 2026/11 a"}, Facts{Method: "bank", Reference: "2026/11 a"}},
		{Entry{Kind: KindResumed, Note: "paid"}, Facts{Cause: CausePaid}},
		{Entry{Kind: KindSuspended, Note: "unpaid", Ref: "7"}, Facts{Cause: CauseUnpaid}},
		{Entry{Kind: KindSuspended, Note: "spam"}, Facts{}},
		{Entry{Kind: KindLimit, Note: "stop"}, Facts{Limit: "stop"}},
		{Entry{Kind: KindOverMax, Note: "1.5 GB"}, Facts{Most: new(int64(1_500_000_000))}},
		{Entry{Kind: KindOverMax, Note: "20 kB"}, Facts{Most: new(int64(20_000))}},
		{Entry{Kind: KindOverMax, Note: "none"}, Facts{Most: new(int64(quota.Uncapped))}},
		{Entry{Kind: KindOverMax, Note: "as the plan says"}, Facts{Most: new(int64(0))}},
		{Entry{Kind: KindWarned, Note: "7 days before the last day"}, Facts{Days: 7}},
		{Entry{Kind: KindWarned, Note: "a day before the last day"}, Facts{Days: 1}},
		{Entry{Kind: KindWarned, Facts: Facts{Days: 30}}, Facts{Days: 30}}, // of today
	} {
		e := c.is
		if e.Recall(); !reflect.DeepEqual(e.Facts, c.want) {
			t.Errorf("%s %q tells %+v, want %+v", c.is.Kind, c.is.Note, e.Facts, c.want)
		}
	}
}

// The tax of an invoice is that of the sum of each rate, and a credit note over the same lines
// takes back exactly what was asked for.
func TestInvoice_AddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := quota.Rate(rapid.IntRange(0, 300_000).Draw(t, "rate"))
		is := Invoice{Kind: ForOrder}
		net := int64(0)
		for range rapid.IntRange(1, 5).Draw(t, "lines") {
			l := InvoiceLine{Count: rapid.Int64Range(1, 1000).Draw(t, "count"), Price: rapid.Int64Range(-1e6, 1e9).Draw(t, "price")}
			net += l.Count * l.Price
			is.Lines = append(is.Lines, l)
		}
		if err := is.AddUp(rate); err != nil {
			t.Fatal(err)
		}
		tax, err := quota.Tax(net, rate)
		if err != nil || is.Net != net || is.Tax != tax || is.Total != net+tax || len(is.Taxes) != 1 || is.Taxes[0] != (InvoiceTax{rate, net, tax}) {
			t.Fatalf("%+v, %v; want net %d, tax %d", is, err, net, tax)
		}
		back := Invoice{Kind: CreditNote}
		for _, l := range is.Lines {
			back.Lines = append(back.Lines, InvoiceLine{Count: l.Count, Price: -l.Price, TaxRate: l.TaxRate})
		}
		for _, x := range is.Taxes {
			back.Taxes = append(back.Taxes, InvoiceTax{Rate: x.Rate, Net: -x.Net})
		}
		if err := back.AddUp(0); err != nil || back.Total != -is.Total || back.Tax != -is.Tax {
			t.Fatalf("the credit note comes to %+v, %v; the invoice to %+v", back, err, is)
		}
	})
}

func TestInvoice_AddUp_overflow(t *testing.T) {
	for _, l := range []InvoiceLine{{Count: 1 << 40, Price: 1 << 40}, {Count: 1, Price: 1 << 62}, {Count: 1, Price: -1 << 62}} {
		is := Invoice{Lines: []InvoiceLine{l}}
		if err := is.AddUp(220_000); !errors.Is(err, quota.ErrOverflow) {
			t.Errorf("%d times %d: %v", l.Count, l.Price, err)
		}
	}
}

// What is open, and what would be if the order were revived.
func TestInvoice_Payable(t *testing.T) {
	for _, c := range []struct {
		is            Invoice
		open, payable int64
	}{
		{Invoice{State: InvoiceOpen, Total: 100, Paid: 30}, 70, 70},
		{Invoice{State: InvoicePaid, Total: 100, Paid: 100}, 0, 0},
		{Invoice{State: InvoiceCancelled, Total: 100}, 0, 0},
		{Invoice{State: InvoiceCancelled, Total: 100, Lapsed: &Fulfilment{}}, 0, 100},
	} {
		if c.is.Open() != c.open || c.is.Payable() != c.payable {
			t.Errorf("%+v: %d open, %d payable", c.is, c.is.Open(), c.is.Payable())
		}
	}
}

// Whatever the entries, the balance is the sum of their money, and the credit that is left is
// the sum of their units by lot.
func TestFold_sums(t *testing.T) {
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		f := NewFold(time.UTC)
		money, units := int64(0), map[string]int64{}
		used := quota.Charge{}
		for i := range rapid.IntRange(0, 40).Draw(t, "entries") {
			e := Entry{Account: "acme", Seq: uint64(i + 1), Time: at.Add(time.Duration(i) * time.Hour)}
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				e.Kind, e.Money, e.Currency = KindPayment, rapid.Int64Range(1, 1e6).Draw(t, "money"), "EUR"
			case 1:
				e.Kind, e.Money, e.Currency = KindCorrection, rapid.Int64Range(-1e6, 1e6).Draw(t, "money"), "EUR"
			case 2:
				e.Kind, e.Lot, e.Units, e.Expires = KindTopUp, rapid.SampledFrom([]string{"1", "2"}).Draw(t, "lot"), rapid.Int64Range(1, 1e9).Draw(t, "units"), at.AddDate(1, 0, 0)
			case 3:
				lot := rapid.SampledFrom([]string{"1", "2"}).Draw(t, "lot")
				if units[lot] == 0 {
					continue
				}
				e.Kind, e.Period, e.Lot, e.Units = KindDraw, "2026-11", lot, -rapid.Int64Range(1, units[lot]).Draw(t, "draw")
			default:
				e.Kind, e.Period, e.Day, e.Messages, e.Bytes = KindCharge, "2026-11", "2026-11-01", rapid.Int64Range(1, 9).Draw(t, "messages"), 1000
				used = used.Add(quota.Charge{Messages: e.Messages, Bytes: e.Bytes})
			}
			money += e.Money
			if e.Lot != "" {
				units[e.Lot] += e.Units
			}
			f.Add(&e)
		}
		if f.Balance != money || f.Used("2026-11") != used || quota.Sum(f.Lots) != units["1"]+units["2"] {
			t.Fatalf("balance %d, used %+v, lots %+v; want %d, %+v, %v", f.Balance, f.Used("2026-11"), f.Lots, money, used, units)
		}
	})
}
