package books

import (
	"bytes"
	"time"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/room"
)

// orderDays is how long an order waits that was open before orders expired.
const orderDays = 30

// ExpireOrders gives the open orders of an older file the day on which they expire: none
// expires at once, however old it is.
func (s *Books) ExpireOrders(t *room.Tx) error {
	c := t.Cursor(bucket.Owed)
	var numbers []uint64
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		numbers = append(numbers, room.LastNumber(k))
	}
	for _, n := range numbers {
		var i ledger.Invoice // not by its name, which keepPrefix gives it later
		var a Account
		if _, err := t.Read(bucket.Invoices, invoiceKey(n), &i); err != nil {
			return err
		}
		if _, err := t.Read(bucket.Accounts, []byte(i.Account), &a); err != nil {
			return err
		}
		if i.Order == nil {
			continue
		}
		from := t.Now
		for _, at := range []time.Time{i.Due, a.TermEnd()} {
			if at.After(from) {
				from = at
			}
		}
		i.Expires = from.In(s.zone).AddDate(0, 0, orderDays).UTC()
		if err := t.Write(bucket.Invoices, invoiceKey(n), i); err != nil {
			return err
		}
		if err := t.Put(bucket.Dunning, dunningKey(&i), []byte{}); err != nil {
			return err
		}
	}
	return nil
}

// KeepUncapped leaves the accounts that continue at their limit what they agreed to,
// which was overage without a ceiling.
func (s *Books) KeepUncapped(t *room.Tx) error {
	c := t.Cursor(bucket.Accounts)
	for k, raw := c.First(); k != nil; k, raw = c.Next() {
		var a Account
		if err := room.Decode(bucket.Accounts, k, raw, &a); err != nil {
			return err
		}
		if a.AtLimit != quota.Continue {
			continue
		}
		a.OverMax = quota.Uncapped
		k = bytes.Clone(k)
		if err := t.Write(bucket.Accounts, k, &a); err != nil {
			return err
		}
		c = t.Cursor(bucket.Accounts) // it was written to
		c.Seek(k)
	}
	return nil
}

// KeepResold marks the plans of accounts below resellers as plans for resellers.
func (s *Books) KeepResold(t *room.Tx) error {
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
	list, err := room.All[quota.Plan](t, bucket.Plans, nil)
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
