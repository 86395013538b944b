package ledger

import (
	"fmt"
	"math"
	"slices"

	"relay/quota"
)

// AddUp works out net, tax and total from the count and the price of each line. Tax is at rate; of a
// credit note, at the rates of its invoice.
func (i *Invoice) AddUp(rate quota.Rate) error {
	for n := range i.Lines {
		l := &i.Lines[n]
		if l.Price != 0 && (l.Count > math.MaxInt64/Magnitude(l.Price)) {
			return fmt.Errorf("invoice line %q: %w", l.Text, quota.ErrOverflow)
		}
		l.Net = l.Count * l.Price
		if i.Kind != CreditNote {
			l.TaxRate = rate
		}
		if i.Net += l.Net; Magnitude(i.Net) > math.MaxInt64/8 || Magnitude(l.Net) > math.MaxInt64/8 {
			return fmt.Errorf("invoice: %w", quota.ErrOverflow)
		}
	}
	if err := i.addTax(); err != nil {
		return err
	}
	if i.Total = i.Net + i.Tax; Magnitude(i.Total) > math.MaxInt64/4 {
		return fmt.Errorf("invoice: %w", quota.ErrOverflow)
	}
	return nil
}

// addTax adds the tax up by rate; of a credit note as it was on the invoice: by its
// rates, or by line where that has none.
func (i *Invoice) addTax() (err error) {
	if i.Kind == CreditNote && len(i.Taxes) == 0 {
		for n := range i.Lines {
			l := &i.Lines[n]
			if l.Tax, err = quota.Tax(l.Net, l.TaxRate); err != nil {
				return fmt.Errorf("invoice line %q: %w", l.Text, err)
			}
			i.Tax += l.Tax
		}
		return nil
	}
	if i.Kind != CreditNote {
		i.Taxes = TaxesOf(i.Lines)
	}
	for n := range i.Taxes {
		t := &i.Taxes[n]
		if t.Tax, err = quota.Tax(t.Net, t.Rate); err != nil {
			return fmt.Errorf("invoice: tax %s: %w", t.Rate, err)
		}
		i.Tax += t.Tax
	}
	return nil
}

// TaxesOf is the net sums of lines by rate. The tax is not worked out.
func TaxesOf(lines []InvoiceLine) (list []InvoiceTax) {
	for _, l := range lines {
		n := slices.IndexFunc(list, func(t InvoiceTax) bool { return t.Rate == l.TaxRate })
		if n < 0 {
			n, list = len(list), append(list, InvoiceTax{Rate: l.TaxRate})
		}
		list[n].Net += l.Net
	}
	return list
}

// Magnitude is an amount without its sign.
func Magnitude(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}
