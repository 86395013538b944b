package cli

import (
	"slices"

	"relay/store"
)

func (c *call) accountsBelow(reseller string) (map[string]bool, error) {
	if _, err := c.st.Reseller(reseller); err != nil {
		return nil, noReseller(reseller, err)
	}
	names := map[string]bool{}
	err := c.st.EachAccount(store.Wanted{Reseller: reseller}, func(a *store.Account) error { names[a.Name] = true; return nil })
	return names, err
}

// invoicesBelow a reseller, by number: nothing of others is read.
func (c *call) invoicesBelow(f *invoiceFilter, fn func(*store.Invoice) error) error {
	var all []store.Invoice
	err := c.st.EachAccount(store.Wanted{Reseller: f.reseller}, func(a *store.Account) error {
		list, err := c.st.InvoicesOf(a.Name, f.open || f.overdue)
		all = append(all, list...)
		return err
	})
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b store.Invoice) int {
		if a.Number < b.Number {
			return -1
		}
		return 1
	})
	for i := range all {
		if err := fn(&all[i]); err != nil {
			return err
		}
	}
	return nil
}
