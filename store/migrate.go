package store

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"time"

	"relay/quota"
)

// account1 is what schema 1 had of an account in place of its Book.
type account1 struct {
	Terms     quota.Plan `json:"terms"`
	Activated time.Time  `json:"activated"`
}

// toContracts makes contracts of accounts that had one term, and begins their
// ledgers. Usage of before becomes one entry a period; periods that are over
// count as closed, since nothing was agreed about their overage.
func toContracts(t *tx) error {
	used, err := all[Usage](t, usage, nil)
	if err != nil {
		return err
	}
	c := t.b.Cursor(accounts)
	for k, raw := c.First(); k != nil; k, raw = c.Next() {
		var a Account
		var old account1
		if err := decode("accounts", k, raw, &a); err != nil {
			return err
		}
		if err := decode("accounts", k, raw, &old); err != nil {
			return err
		}
		k = bytes.Clone(k)
		// Names are in the ledger's order: each entry goes to its end, which takes
		// the same time however long it is.
		n := slices.IndexFunc(used, func(u Usage) bool { return u.Account > a.Name })
		if n < 0 {
			n = len(used)
		}
		if err := errors.Join(t.ledgerOfUsage(used[:n]), t.toContract(a, &old)); err != nil {
			return err
		}
		used = used[n:]
		c = t.b.Cursor(accounts) // it was written to
		c.Seek(k)
	}
	return errors.Join(t.ledgerOfUsage(used), t.indexOwners())
}

func (t *tx) toContract(a Account, old *account1) error {
	d := t.dealOn(a, Order{})
	d.silent = true
	d.a.Seq = t.lastSeq(a.Name)
	if a.AtLimit == "" {
		d.a.AtLimit = quota.Suspend
	}
	d.toTerm(old)
	switch a.State { // what was done before there was a ledger
	case Suspended:
		d.enter(Entry{Kind: KindSuspended, Note: a.Reason})
	case Closed:
		d.enter(Entry{Kind: KindEnded})
	}
	return d.apply()
}

// toTerm makes a contract of the term, or of what is waited for.
func (d *deal) toTerm(old *account1) {
	if old.Activated.IsZero() {
		d.a.Ordered = &old.Terms
		if d.a.State == Active {
			d.a.State = Pending
		}
		return
	}
	// Its usage lies under the keys of its first term, so nothing is taken.
	c := quota.WholeMonths(old.Terms, old.Activated, d.zone())
	bought := c
	d.enter(Entry{Kind: KindActivated, Time: c.Start, Contract: &bought})
	if d.a.State == Closed {
		c.End = earliest(c.End, d.t.now)
	}
	d.a.Contracts = quota.Contracts{c}
	if p, ok := c.PeriodAt(d.t.now, d.zone()); ok && d.a.State != Closed {
		d.openPeriod(c, p)
	}
}

// ledgerOfUsage makes an entry of each usage, all that there are of their
// accounts, of some that are gone too.
func (t *tx) ledgerOfUsage(used []Usage) error {
	seq := map[string]uint64{}
	for _, u := range used {
		if u.Charged == (quota.Charge{}) {
			continue
		}
		seq[u.Account]++
		e := Entry{Account: u.Account, Seq: seq[u.Account], Time: t.now, Kind: KindCharge, Period: u.Period,
			Messages: u.Charged.Messages, Bytes: u.Charged.Bytes, Facts: Facts{Cause: CauseUndated}}
		if err := t.put(ledger, numberKey(e.Account, e.Seq), &e); err != nil {
			return err
		}
	}
	return nil
}

// indexOwners writes the indexes of logins and networks by account.
func (t *tx) indexOwners() error {
	cs, err := all[Credential](t, credentials, nil)
	if err != nil {
		return err
	}
	slices.SortStableFunc(cs, func(a, b Credential) int { return cmp.Compare(a.Account, b.Account) }) // as in the index
	for _, c := range cs {
		if err := t.moveOwned(ownLogins, "", c.Account, c.Login); err != nil {
			return err
		}
	}
	ns, err := all[Network](t, networks, nil)
	if err != nil {
		return err
	}
	for _, n := range ns {
		if err := t.moveOwned(ownNetworks, "", n.Account, n.Prefix.String()); err != nil {
			return err
		}
	}
	return nil
}

// countStored adds up what each usage has in the spool.
func countStored(t *tx) error {
	c := t.b.Cursor(messages)
	for k, raw := c.First(); k != nil; k, raw = c.Next() {
		m := &Message{}
		if err := decode("messages", k, raw, m); err != nil {
			return err
		}
		if m.Period != "" {
			t.usage(m.Account, m.Period).Stored += m.Stored
			t.b.Touch()
		}
	}
	return nil
}

// uncapped leaves the accounts that continue at their limit what they agreed to,
// which was overage without a ceiling.
func uncapped(t *tx) error {
	c := t.b.Cursor(accounts)
	for k, raw := c.First(); k != nil; k, raw = c.Next() {
		var a Account
		if err := decode("accounts", k, raw, &a); err != nil {
			return err
		}
		if a.AtLimit != quota.Continue {
			continue
		}
		a.OverMax = quota.Uncapped
		k = bytes.Clone(k)
		if err := t.put(accounts, k, &a); err != nil {
			return err
		}
		c = t.b.Cursor(accounts) // it was written to
		c.Seek(k)
	}
	return nil
}
