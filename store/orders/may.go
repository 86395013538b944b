package orders

import (
	"fmt"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/room"
)

// What a reseller orders (M23, M32) is checked in the transaction that does it:
//
//  1. an account that is not below it is room.ErrNotFound, whether it is there or not;
//  2. an account that it adds is below it and no other reseller;
//  3. the name of such an account, or of one that the operator puts below a reseller,
//     has no books of an earlier account, which the statement would show: ErrUsed. (Any
//     other name must have no charges and invoices of an earlier account.)
//  4. the plan of an account that it adds is for resellers: ErrNotYours;
//  5. it adds no more accounts than it may have: ErrTooManyAccounts;
//  6. it lifts only a suspension of its own, see maySwitch, and activates nothing
//     that waits for a payment: both are ErrNotYours;
//  7. it lets no account go on at the limit of a plan without blocks, which bills
//     nothing for that: ErrNotYours too.

// mayResell says whether a reseller may order another account on a plan. Those that are
// closed count until they are removed.
func (s *Orders) mayResell(t *room.Tx, o *behalf.Order, p quota.Plan) error {
	if o.Reseller == "" {
		return nil
	}
	if !p.Resale {
		return fmt.Errorf("plan %q %w", p.Name, ErrNotYours)
	}
	n, prefix := 0, room.Pair(o.Reseller, "")
	c := t.Cursor(bucket.Below)
	for k, _ := c.Seek(prefix); o.MostAccounts > 0 && room.HasPrefix(k, prefix); k, _ = c.Next() {
		if n++; n >= o.MostAccounts {
			return fmt.Errorf("%w: it has %d", ErrTooManyAccounts, n)
		}
	}
	return nil
}

// putBelow puts a new account below the reseller who orders it.
func (n *NewAccount) putBelow(o *behalf.Order) error {
	if o.Reseller == "" {
		return nil
	}
	if n.Activate {
		return fmt.Errorf("account %q: its payment %w", n.Account.Name, ErrNotYours)
	}
	n.Account.Reseller, n.Account.Owner = o.Reseller, ""
	return nil
}

// mayGoOn fails where a reseller would give mail away without limit.
func mayGoOn(o *behalf.Order, account string, limit quota.AtLimit, p quota.Plan) error {
	if o.Reseller == "" || limit != quota.Continue || !p.Allows(limit) || p.Bills() {
		return nil
	}
	return fmt.Errorf("account %q: plan %s has no blocks, so nothing over its allowance is billed: to continue there %w", account, p.Name, ErrNotYours)
}

// maySwitch says whether who orders may suspend or resume: a reseller not while
// the operator's suspension or an unpaid invoice holds the account.
func (d *Deal) maySwitch(o behalf.Order) error {
	switch {
	case o.Reseller == "":
		return nil
	case d.a.Hold != "":
		return fmt.Errorf("account %q is held back until an invoice is paid: that %w", d.a.Name, ErrNotYours)
	case d.a.State != ledger.Suspended:
		return nil
	}
	by, err := d.suspendedBy()
	if err == nil && by != o.By {
		err = fmt.Errorf("account %q was suspended by the operator: that %w", d.a.Name, ErrNotYours)
	}
	return err
}

// suspendedBy is who suspended the account last, by its ledger; "": the ledger does not
// tell.
func (d *Deal) suspendedBy() (by string, err error) {
	d.s.books.LedgerBackwards(d.t, d.a.Name, func(k, raw []byte) (more bool) {
		var e ledger.Entry
		if err = room.Decode(bucket.Ledger, k, raw, &e); err != nil {
			return false
		}
		if e.Kind == ledger.KindSuspended && e.Ref == "" { // not for an invoice
			by = e.By
			return false
		}
		return true
	})
	return by, err
}
