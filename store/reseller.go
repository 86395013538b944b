package store

import (
	"errors"
	"fmt"

	"relay/quota"
)

// What a reseller orders (M23, M32) is checked in the transaction that does it:
//
//  1. an account that is not below it is ErrNotFound, whether it is there or not;
//  2. an account that it adds is below it, and nobody's else, and its name has no
//     books of an account before it;
//  3. it lifts only a suspension of its own, see maySwitch, and activates nothing
//     that waits for a payment: both are ErrNotYours.

// ErrNotYours is what a reseller may not change of an account below it.
var ErrNotYours = errors.New("is for the operator to change")

// Below reports whether the account is below the reseller. It takes the same time
// for one that is somebody else's and for one that is not there.
func (s *Store) Below(reseller, account string) (ok bool, err error) {
	if reseller == "" || !quota.ValidName(account) {
		return false, nil
	}
	err = s.view(func(t *tx) error {
		ok = t.b.Get(below, ownedKey(reseller, account)) != nil
		return nil
	})
	return ok, err
}

// reaches fails for an account that whoever orders does not manage.
func (o *Order) reaches(a *Account) error {
	if o.Reseller != "" && a.Reseller != o.Reseller {
		return fmt.Errorf("accounts %q: %w", a.Name, ErrNotFound)
	}
	return nil
}

// forces puts a new account below who orders it.
func (o *Order) forces(n *NewAccount) error {
	if o.Reseller == "" {
		return nil
	}
	if n.Activate || !n.Start.IsZero() {
		return fmt.Errorf("account %q: its payment %w", n.Account.Name, ErrNotYours)
	}
	n.Account.Reseller, n.Account.Owner = o.Reseller, ""
	return nil
}

// hasBooks reports a name that an account had before: its ledger, invoices and
// usage stay, and may have been somebody else's.
func (t *tx) hasBooks(account string) bool {
	prefix := usageKey(account, "")
	k, _ := t.b.Cursor(usage).Seek(prefix)
	return t.lastSeq(account) > 0 || k != nil && hasPrefix(k, prefix)
}

// inherit gives a new account the reseller of its customer, unless it has one.
func (t *tx) inherit(a *Account) error {
	if a.Owner == "" || a.Reseller != "" {
		return nil
	}
	c, err := load[Customer](t, customers, a.Owner)
	a.Reseller = c.Reseller
	return err
}

// managed checks that the reseller of a customer is there.
func (t *tx) managed(c *Customer) error {
	if c.Reseller == "" {
		return nil
	}
	_, err := load[Reseller](t, resellers, c.Reseller)
	return err
}

// manages fails for a reseller that has customers.
func (t *tx) manages(reseller string) error {
	list, err := all[Customer](t, customers, nil)
	if err != nil {
		return err
	}
	for _, c := range list {
		if c.Reseller == reseller {
			return fmt.Errorf("reseller %q %w: customer %q", reseller, ErrInUse, c.Name)
		}
	}
	return nil
}

// maySwitch says whether who orders may suspend or resume: a reseller not while
// the operator's suspension or an unpaid invoice holds the account.
func (d *deal) maySwitch(o Order) error {
	switch {
	case o.Reseller == "":
		return nil
	case d.a.Hold != "":
		return fmt.Errorf("account %q is held back until an invoice is paid: that %w", d.a.Name, ErrNotYours)
	case d.a.State != Suspended:
		return nil
	}
	by, err := d.suspendedBy()
	if err == nil && by != o.By {
		err = fmt.Errorf("account %q was suspended by the operator: that %w", d.a.Name, ErrNotYours)
	}
	return err
}

// suspendedBy is who suspended the account last, as its ledger has it; "" where
// it does not tell.
func (d *deal) suspendedBy() (string, error) {
	prefix := ledgerPrefix(d.a.Name)
	c := d.t.b.Cursor(ledger)
	var raw []byte
	k, _ := c.Seek(append([]byte(d.a.Name), 1))
	if k == nil {
		k, raw = c.Last()
	} else {
		k, raw = c.Prev()
	}
	for ; k != nil && hasPrefix(k, prefix); k, raw = c.Prev() {
		var e Entry
		if err := decode(bucketNames[ledger], k, raw, &e); err != nil {
			return "", err
		}
		if e.Kind == KindSuspended && e.Ref == "" { // not for an invoice
			return e.By, nil
		}
	}
	return "", nil
}

// CountAccounts of a customer or below a reseller, without reading them.
func (s *Store) CountAccounts(w Wanted) (n int, err error) {
	err = s.view(func(t *tx) error {
		if w.Owner != "" {
			n = len(t.owned(ownAccounts, w.Owner))
		} else {
			n = len(t.owned(ownBelow, w.Reseller))
		}
		return nil
	})
	return n, err
}
