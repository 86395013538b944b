package orders

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"relay/quota"
	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/ledger"
	"relay/store/room"
)

// CloseDue closes the periods of the account that are over, oldest first. The entries
// are recorded as relay's own, even when a customer's order triggers the close.
func (d *Deal) CloseDue() error { return d.closeBy(d.t.Now) }

// closeBy closes those that were over at an instant that is not to come.
func (d *Deal) closeBy(by time.Time) error {
	defer func(by string, chosen behalf.Order) { d.by, d.chosen = by, chosen }(d.by, d.chosen)
	d.by, d.chosen = "", behalf.Order{}
	zone := d.zone()
	for d.a.Open != "" {
		c, p, ok := d.a.Contracts.Find(d.a.Open, zone)
		if !ok {
			return fmt.Errorf("account %q: no contract has its open period %s", d.a.Name, d.a.Open)
		}
		d.a.Closes = p.End // another one if the operator's zone has changed
		if by.Before(p.End) {
			return nil
		}
		if p.Start.Before(p.End) {
			if err := d.closePeriod(c, p); err != nil {
				return fmt.Errorf("account %q: close %s: %w", d.a.Name, p.Key, err)
			}
		}
		if err := d.openNext(c, p); err != nil {
			return err
		}
	}
	return nil
}

// openNext opens the period that follows p of contract c, if there is one that has
// an instant: the later ones of a term that was ended early have none. After the last
// one a term may renew automatically.
func (d *Deal) openNext(c quota.Contract, p quota.Period) error {
	found := false
	for _, next := range d.a.Contracts {
		for _, is := range next.Periods(d.zone()) {
			if found && is.Start.Before(is.End) {
				d.openPeriod(next, is)
				return nil
			}
			found = found || is.Key == p.Key && next.TermKey() == c.TermKey()
		}
	}
	if !d.cutting {
		if again, ok, err := d.s.books.PlanAfter(d.t, &c); err != nil || ok {
			if err == nil {
				d.goAgain(again)
			}
			return err
		}
	}
	d.a.Open, d.a.Closes = "", time.Time{}
	return nil
}

// closePeriod makes entries of what a period that is over comes to: what it
// drew, what was bought for the rest, what is credited and what is lost.
func (d *Deal) closePeriod(c quota.Contract, p quota.Period) error {
	used := d.s.books.ChargesIn(d.t, d.a.Name, p.Key).Charged
	d.EndDay(p.Key, p.End)
	is, err := quota.ClosePeriod(quota.Closing{Plan: c.Plan.In(p), Period: p, Expiry: c.End, Used: used, Lots: d.a.Lots})
	if err != nil {
		return err
	}
	entry := func(k ledger.Kind, units int64, lot string) {
		d.enter(ledger.Entry{Kind: k, Time: p.End, Period: p.Key, Units: units, Lot: lot})
	}
	for _, x := range is.Draws {
		entry(ledger.KindDraw, -x.Amount, x.Ref)
	}
	for _, x := range is.Rounded {
		entry(ledger.KindRounded, -x.Amount, x.Ref)
	}
	if is.Overage > 0 {
		d.enter(ledger.Entry{Kind: ledger.KindOverage, Time: p.End, Period: p.Key, Units: is.Overage, Facts: ledger.Facts{Blocks: is.Bought.Blocks}})
	}
	if l := is.Credit; l != nil {
		d.enter(ledger.Entry{Kind: ledger.KindCredit, Time: p.End, Period: p.Key, Units: l.Amount, Lot: l.Ref, Expires: l.Expires})
	}
	for _, x := range is.Expired {
		entry(ledger.KindExpired, -x.Amount, x.Ref)
	}
	d.a.Lots = is.Lots
	d.enter(ledger.Entry{Kind: ledger.KindClosed, Time: p.End, Period: p.Key})
	if len(is.Bought.Blocks) == 0 {
		return nil
	}
	inv := ledger.Invoice{Kind: ledger.ForOverage, Period: p.Key, Term: c.TermKey(), Lines: ledger.OverageLines(p.Key, &is, d.zone())}
	if is.Credit != nil {
		inv.Lot = is.Credit.Ref
	}
	if _, err = d.issue(inv, p.End); err != nil {
		return err
	}
	return d.settle(0)
}

// EndDay makes an entry of the open day of a period, not later than end.
func (d *Deal) EndDay(period string, end time.Time) {
	c := d.s.books.ChargesIn(d.t, d.a.Name, period)
	if c.Today == (quota.Charge{}) {
		return
	}
	at := room.Earliest(room.DayEnd(c.Day, d.zone()), end, d.t.Now)
	d.enter(ledger.Entry{Kind: ledger.KindCharge, Time: at, Period: period, Day: c.Day, Messages: c.Today.Messages, Bytes: c.Today.Bytes})
	d.ended = append(d.ended, period)
}

// CloseBy closes the periods of accounts that were over at an instant, the oldest
// first, each account in a transaction of its own; an instant to come counts as now.
// It may run late, at any time and more than once: what is closed is not due any
// more. An account that cannot be closed holds up no other. told is called for one account
// at a time: with a receipt once it is on disk, or with why the account cannot be closed.
// The error of CloseBy is what stopped it before all accounts were tried.
func (s *Orders) CloseBy(ctx context.Context, by time.Time, told func(account string, r Receipt, err error)) error {
	var mu sync.Mutex
	by = room.Earliest(by, s.db.BookTime())
	return s.db.EachDue(ctx, bucket.Closing, by, func(k []byte) {
		name := string(k[8:])
		r, err := s.CloseDue(name, by)
		mu.Lock()
		defer mu.Unlock()
		told(name, r, err)
	})
}

// CloseDue closes the periods of one account that were over at an instant that is not to come.
func (s *Orders) CloseDue(name string, by time.Time) (r Receipt, err error) {
	err = s.carry(false, func(t *room.Tx) error {
		r = Receipt{}
		d, err := s.deal(t, name, behalf.Order{})
		if errors.Is(err, room.ErrNotFound) {
			return nil // removed meanwhile
		}
		if err != nil {
			return err
		}
		if err = d.closeBy(by); err != nil {
			return err
		}
		r = d.receipt()
		return d.Apply()
	})
	return r, err
}

// goAgain appends the term that follows the last one automatically, and opens it.
func (d *Deal) goAgain(p quota.Plan) {
	last := d.a.LastTerm()
	if d.sell(p) != nil { // its blocks are in another currency than the books by now
		p = last.Plan
	}
	c := d.a.Contracts.Next(p, last.End, d.zone(), d.taken)
	d.a.Contracts = append(d.a.Contracts, c)
	d.enter(ledger.Entry{Kind: ledger.KindRenewed, Time: c.Start, Contract: &c, Facts: ledger.Facts{Cause: ledger.CauseGoesOn}})
	d.openPeriod(c, c.FirstPeriod(d.zone()))
}
