package store

import (
	"relay/quota"
)

// keepResold has the plans that accounts below resellers are on go on being for them.
func keepResold(t *tx) error {
	names := map[string]bool{}
	c := t.b.Cursor(accounts)
	for k, raw := c.First(); k != nil; k, raw = c.Next() {
		var a Account
		if err := decode("accounts", k, raw, &a); err != nil {
			return err
		}
		if a.Reseller == "" {
			continue
		}
		if a.Ordered != nil {
			names[a.Ordered.Name] = true
		}
		for i := range a.Contracts {
			names[a.Contracts[i].Plan.Name] = true
		}
	}
	list, err := all[quota.Plan](t, plans, nil)
	if err != nil {
		return err
	}
	for _, p := range list {
		if p.Resale = names[p.Name]; p.Resale {
			if err := t.put(plans, []byte(p.Name), p); err != nil {
				return err
			}
		}
	}
	return nil
}
