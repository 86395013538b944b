package orders

import (
	"relay/quota"
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

// usedUp reports whether the term that runs is a month's whose allowance is used (M13).
func (d *Deal) usedUp() bool {
	c, _, ok := d.a.Contracts.Find(d.a.Open, d.zone())
	return ok && c.Spent(d.s.books.ChargesIn(d.t, d.a.Name, d.a.Open).Charged, quota.Live(d.a.Lots, d.t.Now))
}

// BeginNextTerm ends the term that runs, so that the one bought after it begins now, and credits there what
// was left.
func (d *Deal) BeginNextTerm() error {
	left, err := d.leave()
	if err == nil {
		d.carry(left)
	}
	return err
}

// leave is BeginNextTerm without the credit: there may be no term for it yet.
func (d *Deal) leave() (left rest, err error) {
	c, p, _ := d.a.Contracts.Find(d.a.Open, d.zone())
	left = rest{kind: c.Plan.Kind(), period: p.Key,
		units: quota.Left(c.Plan.In(p), d.s.books.ChargesIn(d.t, d.a.Name, p.Key).Charged, quota.Live(d.a.Lots, d.t.Now))}
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
func (d *Deal) carry(left rest) {
	c := &d.a.Contracts[d.a.Contracts.Index(d.t.Now)]
	if left.units <= 0 || !c.Holds(d.t.Now) || c.Plan.Kind() != left.kind {
		return
	}
	l := quota.Lot{Ref: d.lotRef("carried"), Amount: left.units, Granted: d.t.Now, Expires: c.End}
	d.a.Lots = append(d.a.Lots, l)
	d.enter(ledger.Entry{Kind: ledger.KindCarried, Period: d.a.Open, Units: l.Amount, Lot: l.Ref, Expires: l.Expires, Facts: ledger.Facts{From: left.period}})
}
