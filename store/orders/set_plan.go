package orders

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"relay/quota"
	"relay/store/ledger"
	"relay/store/room"
)

// setPlan gives an account other terms without asking for a price: the
// operator's way around an upgrade. A plan of the same term and kind holds for
// the present term; any other ends it, with its credit, and starts a new one.
// Terms that were bought for later follow that.
func (d *Deal) setPlan(p quota.Plan) error {
	if d.a.State == ledger.Closed {
		return fmt.Errorf("account %q %w", d.a.Name, ErrClosed)
	}
	if err := d.sell(p); err != nil {
		return err
	}
	c, err := d.current()
	if errors.Is(err, ErrPending) {
		return d.reorder(p)
	}
	if c.Holds(d.t.Now) && c.Plan.Term == p.Term && c.Plan.Kind() == p.Kind() {
		if err := d.roomFor(c, p); err != nil {
			return err
		}
		over := d.overage(c)
		c.Plan = p
		changed := *c
		_, at, _ := quota.Contracts{*c}.At(d.t.Now, d.zone())
		is := p.In(at)
		d.enter(ledger.Entry{Kind: ledger.KindPlan, Period: at.Key, Messages: is.Emails, Bytes: is.Bandwidth, Contract: &changed, Over: over})
		return nil
	}
	later := d.later()
	if err := d.cut(); err != nil {
		return err
	}
	given := d.next(p)
	given.Rest = false // the month it begins in was begun under other units
	d.start(given, ledger.KindPlan, "")
	for i := range later {
		if err := d.move(&later[i], ledger.KindPlan, ""); err != nil {
			return err
		}
	}
	return nil
}

// roomFor refuses a plan under which more of what the open period used would be
// overage: its close would bill, or take from credit that is not there, what was
// allowed when it was sent (M14).
func (d *Deal) roomFor(c *quota.Contract, p quota.Plan) error {
	is := *c
	is.Plan = p
	n := d.overage(&is)
	if n <= d.overage(c) {
		return nil
	}
	_, at, _ := quota.Contracts{*c}.At(d.t.Now, d.zone())
	return quota.Refuse("plan", quota.Reason{Why: quota.WhySmaller, From: c.Plan, To: p, Units: n, Since: room.Day(at.Start, d.zone())})
}

// move gives a term that was bought for later a new place, with its invoice.
func (d *Deal) move(was *quota.Contract, kind ledger.Kind, cause ledger.Cause) error {
	is := d.next(was.Plan)
	is.Invoice = was.Invoice
	d.start(is, kind, cause)
	n, err := strconv.ParseUint(was.Invoice, 10, 64)
	if err != nil {
		return nil // it was given without one
	}
	i, err := d.invoice(n)
	if err == nil {
		i.Term = is.TermKey()
	}
	return err
}

// reorder changes what a pending account waits for; its invoice stays what it is.
func (d *Deal) reorder(p quota.Plan) error {
	list, err := d.unpaid()
	if err != nil {
		return err
	}
	if len(list) > 0 {
		return fmt.Errorf("account %q waits for the payment of invoice %s: close the account, or activate it first", d.a.Name, list[0].Name)
	}
	d.a.Ordered = &p
	d.enter(ledger.Entry{Kind: ledger.KindPlan, Facts: ledger.Facts{Plan: p.Name}})
	return nil
}

// cut ends the present term now, with the credit, and those to come before they
// start. What began at this very instant lasts for one more, so that it is closed
// like any other.
func (d *Deal) cut() error {
	if begun := d.a.Begun(d.zone()); !begun.Before(d.t.Now) {
		d.t.Now = begun.Add(time.Millisecond)
	}
	for i := range d.a.Contracts {
		c := &d.a.Contracts[i]
		if c.Start.After(d.t.Now) {
			c.End = c.Start
		} else if c.End.After(d.t.Now) {
			c.End = d.t.Now
		}
	}
	for i := range d.a.Lots {
		if l := &d.a.Lots[i]; l.Expires.After(d.t.Now) {
			l.Expires = d.t.Now
		}
	}
	d.a.Contracts = slices.DeleteFunc(d.a.Contracts, func(c quota.Contract) bool { return !c.Start.Before(c.End) })
	d.cutting = true
	defer func() { d.cutting = false }()
	return d.CloseDue()
}
