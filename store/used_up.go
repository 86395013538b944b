package store

import (
	"relay/quota"
	"relay/store/behalf"
	"relay/store/ledger"
)

// A month's term that is not enough goes on in the next one (M13, M18):
//
//  1. used up, with the payment of the next, which begins at once;
//  2. where the next is paid already, with the first message that does not fit any
//     more and fits there.
//
// What was left of it is credited in the next one, if both count the same. The term
// after one of other units begins only when nothing is left.

// rest is what a term that ended early leaves.
type rest struct {
	units  int64 // of Kind
	kind   quota.Kind
	period string
}

// nextMayBegin reports whether the term that runs is a month's that a paid one may follow now.
func (st *Standing) nextMayBegin() bool {
	if !st.InTerm || st.Contract.Plan.Term != quota.Month || !st.TermEnd.Before(st.Account.TermEnd()) {
		return false
	}
	l := st.Account.Contracts
	next := l[min(l.Index(st.Contract.Start)+1, len(l)-1)]
	return st.Spent() || next.Plan.Kind() == st.Contract.Plan.Kind()
}

// goOn is the standing after the term that follows has begun now; ok is false where
// none may.
func (st *Standing) goOn(t *tx) (is Standing, ok bool, err error) {
	is = *st
	if !st.nextMayBegin() {
		return is, false, nil
	}
	if is.due == nil {
		is.due = t.dealOn(is.Account, behalf.Order{})
	}
	if err := is.due.goOn(); err != nil {
		return is, false, err
	}
	is.Account = is.due.a
	is.Contract, is.Period, is.InTerm = is.Account.Contracts.At(t.Now, t.s.zone)
	return is, true, is.read(t)
}

// usedUp reports whether the term that runs is a month's whose allowance is used (M13).
func (d *deal) usedUp() bool {
	c, _, ok := d.a.Contracts.Find(d.a.Open, d.zone())
	return ok && c.Spent(d.t.charges(d.a.Name, d.a.Open).Charged, quota.Live(d.a.Lots, d.t.Now))
}

// goOn ends the term that runs. Those that were bought after it begin now.
func (d *deal) goOn() error {
	left, err := d.leave()
	if err == nil {
		d.carry(left)
	}
	return err
}

// leave is goOn, but for what is left, which there may be no term for yet.
func (d *deal) leave() (left rest, err error) {
	c, p, _ := d.a.Contracts.Find(d.a.Open, d.zone())
	left = rest{kind: c.Plan.Kind(), period: p.Key,
		units: quota.Left(c.Plan.In(p), d.t.charges(d.a.Name, p.Key).Charged, quota.Live(d.a.Lots, d.t.Now))}
	later := d.later()
	if err := d.cut(); err != nil {
		return left, err
	}
	for i := range later {
		if err := d.move(&later[i], ledger.KindRenewed, ledger.CauseUsedUp); err != nil {
			return left, err
		}
	}
	return left, nil
}

// carry credits what is left to the term that has begun.
func (d *deal) carry(left rest) {
	c := &d.a.Contracts[d.a.Contracts.Index(d.t.Now)]
	if left.units <= 0 || !c.Holds(d.t.Now) || c.Plan.Kind() != left.kind {
		return
	}
	l := quota.Lot{Ref: d.lotRef("carried"), Amount: left.units, Granted: d.t.Now, Expires: c.End}
	d.a.Lots = append(d.a.Lots, l)
	d.enter(ledger.Entry{Kind: ledger.KindCarried, Period: d.a.Open, Units: l.Amount, Lot: l.Ref, Expires: l.Expires, Facts: ledger.Facts{From: left.period}})
}
