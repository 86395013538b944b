package store

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/outcomes"
	"relay/store/people"
	"relay/store/room"
	"relay/store/spooled"
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
	used, err := room.All[usage10](&t.Tx, bucket.Usage, nil)
	if err != nil {
		return err
	}
	c := t.Cursor(bucket.Accounts)
	for k, raw := c.First(); k != nil; k, raw = c.Next() {
		var a Account
		var old account1
		if err := room.Decode(bucket.Accounts, k, raw, &a); err != nil {
			return err
		}
		if err := room.Decode(bucket.Accounts, k, raw, &old); err != nil {
			return err
		}
		k = bytes.Clone(k)
		// Names are in the ledger's order: each entry goes to its end, which takes
		// the same time however long it is.
		n := slices.IndexFunc(used, func(u usage10) bool { return u.Account > a.Name })
		if n < 0 {
			n = len(used)
		}
		if err := errors.Join(t.ledgerOfUsage(used[:n]), t.toContract(a, &old)); err != nil {
			return err
		}
		used = used[n:]
		c = t.Cursor(bucket.Accounts) // it was written to
		c.Seek(k)
	}
	return errors.Join(t.ledgerOfUsage(used), people.Index(&t.Tx))
}

func (t *tx) toContract(a Account, old *account1) error {
	d := t.dealOn(a, behalf.Order{})
	d.silent = true
	d.a.Seq = t.lastSeq(a.Name)
	if a.AtLimit == "" {
		d.a.AtLimit = quota.Suspend
	}
	d.toTerm(old)
	switch a.State { // what was done before there was a ledger
	case ledger.Suspended:
		d.enter(ledger.Entry{Kind: ledger.KindSuspended, Note: a.Reason})
	case ledger.Closed:
		d.enter(ledger.Entry{Kind: ledger.KindEnded})
	}
	return d.apply()
}

// toTerm makes a contract of the term, or of what is waited for.
func (d *deal) toTerm(old *account1) {
	if old.Activated.IsZero() {
		d.a.Ordered = &old.Terms
		if d.a.State == ledger.Active {
			d.a.State = ledger.Pending
		}
		return
	}
	// Its usage lies under the keys of its first term, so nothing is taken.
	c := quota.WholeMonths(old.Terms, old.Activated, d.zone())
	bought := c
	d.enter(ledger.Entry{Kind: ledger.KindActivated, Time: c.Start, Contract: &bought})
	if d.a.State == ledger.Closed {
		c.End = earliest(c.End, d.t.Now)
	}
	d.a.Contracts = quota.Contracts{c}
	if p, ok := c.PeriodAt(d.t.Now, d.zone()); ok && d.a.State != ledger.Closed {
		d.openPeriod(c, p)
	}
}

// ledgerOfUsage makes an entry of each usage, all that there are of their
// accounts, of some that are gone too.
func (t *tx) ledgerOfUsage(used []usage10) error {
	seq := map[string]uint64{}
	for _, u := range used {
		if u.Charged == (quota.Charge{}) {
			continue
		}
		seq[u.Account]++
		e := ledger.Entry{Account: u.Account, Seq: seq[u.Account], Time: t.Now, Kind: ledger.KindCharge, Period: u.Period,
			Messages: u.Charged.Messages, Bytes: u.Charged.Bytes, Facts: ledger.Facts{Cause: ledger.CauseUndated}}
		if err := t.Write(bucket.Ledger, numberKey(e.Account, e.Seq), &e); err != nil {
			return err
		}
	}
	return nil
}

// countStored adds up what each usage has in the spool.
func countStored(t *tx) error {
	stored := map[string]int64{} // by key
	c := t.Cursor(bucket.Messages)
	for k, raw := c.First(); k != nil; k, raw = c.Next() {
		m := &spooled.Message{}
		if err := room.Decode(bucket.Messages, k, raw, m); err != nil {
			return err
		}
		if m.Period != "" {
			stored[string(room.Pair(m.Account, m.Period))] += m.Stored
		}
	}
	for key, n := range stored {
		u := usage10{}
		if _, err := t.Read(bucket.Usage, []byte(key), &u); err != nil {
			return err
		}
		u.Account, u.Period, _ = strings.Cut(key, "\x00")
		u.Stored += n
		if err := t.Write(bucket.Usage, []byte(key), &u); err != nil {
			return err
		}
	}
	return nil
}

// uncapped leaves the accounts that continue at their limit what they agreed to,
// which was overage without a ceiling.
func uncapped(t *tx) error {
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

// countWaiting counts the messages that each usage has in the spool of a store that an earlier
// relay has written, once.
func (s *Store) countWaiting(readOnly bool) error {
	counted := false
	err := s.view(func(t *tx) error { counted = t.Get(bucket.Meta, keyWaiting) != nil; return nil })
	if err != nil || counted || readOnly {
		return err
	}
	return s.update(0, func(t *tx) error {
		c := t.Cursor(bucket.Messages)
		for k, raw := c.First(); k != nil; k, raw = c.Next() {
			var m struct {
				Account string `json:"account"`
				Period  string `json:"period"`
			}
			if err := room.Decode(bucket.Messages, k, raw, &m); err != nil {
				return err
			}
			t.s.Outcomes.Enter(&t.Tx, outcomes.Mail{Account: m.Account, Period: m.Period}, 0)
		}
		return t.Put(bucket.Meta, keyWaiting, []byte{1})
	})
}
