package books

import (
	"strings"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/ledger"
	"relay/store/room"
)

// invoices proves that numbers have no gaps, and the sums, states and indexes of each invoice.
func (v *proof) invoices(n *bookCount) error {
	var last uint64
	err := v.each(bucket.Invoices, func(k, raw []byte) {
		var i ledger.Invoice
		if err := room.Decode(bucket.Invoices, k, raw, &i); err != nil {
			v.fault("%v", err)
			return
		}
		if last++; i.Number != last || room.LastNumber(k) != last {
			v.fault("invoice %d lies in place of %d", i.Number, last)
			last = room.LastNumber(k)
		}
		if v.s.fillNames(&i); !strings.HasSuffix(i.Name, ledger.NumberText(i.Number)) {
			v.fault("invoice %d was issued as %q", i.Number, i.Name)
		}
		if i.Kind == ledger.VoidNumber || i.State == ledger.InvoiceVoid {
			v.verifyVoid(&i)
			return
		}
		n.invoices++
		v.invoice(&i, n)
	})
	if notes := int64(len(n.noted)); n.back != notes { // each is about an invoice that is
		v.fault("%d invoices are taken back, credit notes are about %d", n.back, notes)
	}
	var count uint64
	if _, e := v.t.Read(bucket.Meta, keyInvoice, &count); e != nil {
		v.fault("%v", e)
	}
	if count != last {
		v.fault("%d invoices are counted, the last one is %d", count, last)
	}
	return err
}

// takenBack proves that an invoice has one credit note over the same amount if it is cancelled or
// refunded, and otherwise none.
func (v *proof) takenBack(i *ledger.Invoice, n *bookCount) {
	if i.State == ledger.InvoiceCancelled || i.State == ledger.InvoiceRefunded {
		n.back++
	}
	if i.Kind != ledger.CreditNote {
		return
	}
	if first, ok := n.noted[i.About]; ok {
		v.fault("invoice %d is taken back by credit note %d, and by %d", i.About, first, i.Number)
		return
	}
	n.noted[i.About] = i.Number
	var about ledger.Invoice
	if ok, err := v.t.Read(bucket.Invoices, invoiceKey(i.About), &about); err != nil || !ok || about.Total != -i.Total || about.Account != i.Account ||
		about.State != ledger.InvoiceCancelled && about.State != ledger.InvoiceRefunded {
		v.fault("credit note %d over %d takes back invoice %d of %s, %s, over %d", i.Number, i.Total, i.About, about.Account, about.State, about.Total)
	}
}

// sums are those of the lines and of their tax, which is rounded by rate, or by line as in older invoices.
func (v *proof) sums(i *ledger.Invoice) (net, tax int64) {
	for _, l := range i.Lines {
		net += l.Net
		tax += l.Tax
		t, err := quota.Tax(l.Net, l.TaxRate)
		if len(i.Taxes) > 0 {
			t = 0
		}
		if err != nil || t != l.Tax || l.Count*l.Price != l.Net {
			v.fault("invoice %d: a line of %d times %d is %d and %d tax, at %s", i.Number, l.Count, l.Price, l.Net, l.Tax, l.TaxRate)
		}
	}
	if len(i.Taxes) == 0 {
		return net, tax
	}
	bases := ledger.TaxesOf(i.Lines)
	for n, t := range i.Taxes {
		tax += t.Tax
		want, err := quota.Tax(t.Net, t.Rate)
		if err != nil || t.Tax != want || n >= len(bases) || bases[n].Rate != t.Rate || bases[n].Net != t.Net {
			v.fault("invoice %d: the tax at %s is %d on %d, which is not that of its lines", i.Number, t.Rate, t.Tax, t.Net)
		}
	}
	if len(bases) != len(i.Taxes) {
		v.fault("invoice %d has lines of %d rates, and taxes of %d", i.Number, len(bases), len(i.Taxes))
	}
	return net, tax
}

func (v *proof) invoice(i *ledger.Invoice, n *bookCount) {
	net, tax := v.sums(i)
	v.takenBack(i, n)
	if i.Lapsed != nil && i.State != ledger.InvoiceCancelled {
		v.fault("invoice %d is %s, and of an order that has expired", i.Number, i.State)
	}
	if waits := i.Order != nil; waits && i.State != ledger.InvoiceOpen || i.State == ledger.InvoiceOpen && waits == (i.Term != "") {
		v.fault("invoice %d is %s of term %q, waits for its payment is %v", i.Number, i.State, i.Term, waits)
	}
	if net != i.Net || tax != i.Tax || net+tax != i.Total {
		v.fault("invoice %d: its lines sum up to %d and %d tax, it says %d and %d, in all %d", i.Number, net, tax, i.Net, i.Tax, i.Total)
	}
	bad := false
	switch i.State {
	case ledger.InvoiceOpen:
		bad = i.Paid < 0 || i.Paid >= i.Total
	case ledger.InvoicePaid:
		bad = i.Paid != i.Total && i.Kind != ledger.CreditNote
	case ledger.InvoiceCancelled:
		bad = i.Paid != 0
	case ledger.InvoiceRefunded:
		bad = i.Paid <= 0 || i.Paid > i.Total
	default:
		bad = true
	}
	if bad {
		v.fault("invoice %d is %s, with %d of %d paid", i.Number, i.State, i.Paid, i.Total)
	}
	key := numberKey(i.Account, i.Number)
	if v.t.Get(bucket.Billed, key) == nil {
		v.fault("invoice %d is not listed under account %s", i.Number, i.Account)
	}
	listed := func(index engine.Bucket, whose string, n *int64) {
		if whose == "" {
			return
		}
		if *n++; v.t.Get(index, numberKey(whose, i.Number)) == nil {
			v.fault("invoice %d is not listed under %s in bucket %s", i.Number, whose, bucket.Names[index])
		}
	}
	listed(bucket.BilledTo, i.Customer, &n.to)
	listed(bucket.BilledBelow, i.Reseller, &n.through)
	if i.State == ledger.InvoiceOpen {
		if n.owed++; v.t.Get(bucket.Owed, key) == nil {
			v.fault("invoice %d is open and not listed as such", i.Number)
		}
	}
	if k := dunningKey(i); k != nil {
		if n.dunning++; v.t.Get(bucket.Dunning, k) == nil {
			v.fault("invoice %d is not listed under the end of its grace", i.Number)
		}
	}
}

// verifyVoid proves that a void number is nobody's and over nothing.
func (v *proof) verifyVoid(i *ledger.Invoice) {
	if i.State != ledger.InvoiceVoid || i.Kind != ledger.VoidNumber || i.Account != "" || i.Total != 0 || i.Paid != 0 || len(i.Lines) != 0 {
		v.fault("invoice %d is %s and %s, of account %q over %d", i.Number, i.Kind, i.State, i.Account, i.Total)
	}
}
