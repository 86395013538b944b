package store

import (
	"relay/quota"
	"relay/store/bucket"
	"relay/store/ledger"
)

// A year without a price renews automatically at its end (M19): the host's own cron must
// not fall silent after a year. Nothing that has a price does, 30 days never do, and
// neither does a term that is ended early. It is decided when the last period is
// closed, as of its end, like all that a close does.

// goesOn is the plan of the term that follows a contract by itself; now is what is
// sold by the name of its plan, nil: nothing. One that is not sold any more goes on as
// it was; one that has a price by now, or ends, does not.
func goesOn(c *quota.Contract, now *quota.Plan) (p quota.Plan, ok bool) {
	switch {
	case !c.Plan.GoesOn() || now != nil && now.Ends:
		return p, false
	case now == nil || now.Retired:
		return c.Plan, true
	}
	return *now, now.GoesOn()
}

func (t *tx) goesOn(c *quota.Contract) (p quota.Plan, ok bool, err error) {
	if !c.Plan.GoesOn() || t.Get(bucket.Plans, []byte(c.Plan.Name)) == nil {
		p, ok = goesOn(c, nil)
		return p, ok, nil
	}
	now, err := t.s.sold.Load(&t.Tx, bucket.Plans, c.Plan.Name)
	if err != nil {
		return p, false, err
	}
	p, ok = goesOn(c, now)
	return p, ok, nil
}

// GoesOn reports whether the last term of an account, which has not ended, goes on by
// itself.
func (s *Store) GoesOn(a *Account) (ok bool, err error) {
	if a.State == ledger.Closed || a.Open == "" {
		return false, nil
	}
	c := a.lastTerm()
	err = s.view(func(t *tx) error { _, ok, err = t.goesOn(&c); return err })
	return ok, err
}

// goAgain appends the term that follows the last one by itself, and opens it.
func (d *deal) goAgain(p quota.Plan) {
	last := d.a.lastTerm()
	if d.sell(p) != nil { // its blocks are in another currency than the books by now
		p = last.Plan
	}
	c := d.a.Contracts.Next(p, last.End, d.zone(), d.taken)
	d.a.Contracts = append(d.a.Contracts, c)
	d.enter(ledger.Entry{Kind: ledger.KindRenewed, Time: c.Start, Contract: &c, Facts: ledger.Facts{Cause: ledger.CauseGoesOn}})
	d.openPeriod(c, c.FirstPeriod(d.zone()))
}
