package orders

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/people"
	"relay/store/room"
)

// account1 is what schema 1 had of an account in place of its Book.
type account1 struct {
	Terms     quota.Plan `json:"terms"`
	Activated time.Time  `json:"activated"`
}

// usage1 is what schema 1 charged an account in a period.
type usage1 struct {
	Account string       `json:"account"`
	Period  string       `json:"period"`
	Charged quota.Charge `json:"charged"`
}

// ToContracts makes contracts of accounts that had one term, and begins their
// ledgers. Usage of before becomes one entry a period; periods that are over
// count as closed, since nothing was agreed about their overage.
func (s *Orders) ToContracts(t *room.Tx) error {
	used, err := room.All[usage1](t, bucket.Usage, nil)
	if err != nil {
		return err
	}
	c := t.Cursor(bucket.Accounts)
	for k, raw := c.First(); k != nil; k, raw = c.Next() {
		var a books.Account
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
		n := slices.IndexFunc(used, func(u usage1) bool { return u.Account > a.Name })
		if n < 0 {
			n = len(used)
		}
		if err := errors.Join(s.ledgerOfUsage(t, used[:n]), s.toContract(t, a, &old)); err != nil {
			return err
		}
		used = used[n:]
		c = t.Cursor(bucket.Accounts) // it was written to
		c.Seek(k)
	}
	return errors.Join(s.ledgerOfUsage(t, used), people.Index(t))
}

func (s *Orders) toContract(t *room.Tx, a books.Account, old *account1) error {
	d := s.NewDeal(t, a, behalf.Order{})
	d.silent = true
	d.a.Seq = s.books.LastSeq(t, a.Name)
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
	return d.Apply()
}

// toTerm makes a contract of the term, or of what is waited for.
func (d *Deal) toTerm(old *account1) {
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
		c.End = room.Earliest(c.End, d.t.Now)
	}
	d.a.Contracts = quota.Contracts{c}
	if p, ok := c.PeriodAt(d.t.Now, d.zone()); ok && d.a.State != ledger.Closed {
		d.openPeriod(c, p)
	}
}

// ledgerOfUsage makes an entry of each usage, all that there are of their
// accounts, of some that are gone too.
func (s *Orders) ledgerOfUsage(t *room.Tx, used []usage1) error {
	seq := map[string]uint64{}
	for _, u := range used {
		if u.Charged == (quota.Charge{}) {
			continue
		}
		seq[u.Account]++
		e := ledger.Entry{Account: u.Account, Seq: seq[u.Account], Time: t.Now, Kind: ledger.KindCharge, Period: u.Period,
			Messages: u.Charged.Messages, Bytes: u.Charged.Bytes, Facts: ledger.Facts{Cause: ledger.CauseUndated}}
		if err := s.books.PutEntry(t, &e); err != nil {
			return err
		}
	}
	return nil
}
