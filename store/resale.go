package store

import (
	"relay/quota"
	"relay/store/bucket"
	"relay/store/room"
)

// keepResold has the plans that accounts below resellers are on go on being for them.
func keepResold(t *tx) error {
	names := map[string]bool{}
	c := t.Cursor(bucket.Accounts)
	for k, raw := c.First(); k != nil; k, raw = c.Next() {
		var a Account
		if err := room.Decode(bucket.Accounts, k, raw, &a); err != nil {
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
	list, err := room.All[quota.Plan](&t.Tx, bucket.Plans, nil)
	if err != nil {
		return err
	}
	for _, p := range list {
		if p.Resale = names[p.Name]; p.Resale {
			if err := t.Write(bucket.Plans, []byte(p.Name), p); err != nil {
				return err
			}
		}
	}
	return nil
}
