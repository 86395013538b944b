package cli

import "relay/store"

func (c *call) accountsBelow(reseller string) (map[string]bool, error) {
	names := map[string]bool{}
	err := c.st.EachAccount(store.Wanted{Reseller: reseller}, func(a *store.Account) error { names[a.Name] = true; return nil })
	return names, err
}
