package orders

import (
	"errors"
	"fmt"
	"time"

	"relay/store/behalf"
	"relay/store/ledger"
	"relay/store/room"
	"relay/store/signs"
)

// Suspend stops an account; the customer is told the reason.
func (s *Orders) Suspend(o behalf.Order, account, reason string) (Receipt, error) {
	return s.order(account, o, func(d *Deal) error {
		if err := d.maySwitch(o); err != nil {
			return err
		}
		was := d.a.State
		d.a.State, d.a.Reason, d.a.Cause = ledger.Suspended, reason, ""
		return d.switched(was)
	})
}

// Resume lets an account go on that was suspended or is held back. The invoices that held
// it back stay open and hold it back no more; the next invoice may. An account that
// never was active is pending again.
func (s *Orders) Resume(o behalf.Order, account string) (Receipt, error) {
	return s.order(account, o, func(d *Deal) error {
		if err := d.maySwitch(o); err != nil {
			return err
		}
		was := d.a.State
		if was == ledger.Active && d.a.Hold == "" {
			return nil // it goes on already
		}
		d.a.State, d.a.Reason, d.a.Cause = ledger.Active, "", ""
		if d.a.Ordered != nil && was != ledger.Closed {
			d.a.State = ledger.Pending
		}
		return d.switched(was)
	})
}

// forbear lifts the hold of unpaid invoices: they hold the account back no more.
func (d *Deal) forbear() error {
	list, err := d.unpaid()
	for _, i := range list {
		if i.Dunned {
			i.Dunned, i.Suspends = false, time.Time{}
		}
	}
	return err
}

// switched enters that the operator suspended or resumed the account.
func (d *Deal) switched(was ledger.AccountState) error {
	is := d.a.State
	switch {
	case was == ledger.Closed:
		return fmt.Errorf("account %q %w", d.a.Name, ErrClosed)
	case is == ledger.Suspended:
		d.enter(ledger.Entry{Kind: ledger.KindSuspended, Note: d.a.Reason})
	case is == ledger.Active && d.a.Ordered == nil, is == ledger.Pending && d.a.Ordered != nil:
		d.a.Hold = ""
		d.enter(ledger.Entry{Kind: ledger.KindResumed})
		return d.forbear()
	default:
		return errors.New("an account is activated and closed by orders")
	}
	return nil
}

// SuspendForAbuse suspends an active account for what comes back of its mail, and marks it for
// abuse, which forbids a refund (M20). It does nothing for other accounts.
func (s *Orders) SuspendForAbuse(t *room.Tx, account string, f *signs.Figures) error {
	d, err := s.deal(t, account, behalf.Order{})
	if err != nil {
		return err
	}
	if err := d.CloseDue(); err != nil {
		return err
	}
	if d.a.State != ledger.Active {
		return nil
	}
	d.a.State, d.a.Reason, d.a.Cause = ledger.Suspended, f.Reason(), ledger.CauseAbuse
	d.enter(ledger.Entry{Kind: ledger.KindSuspended, Note: d.a.Reason, Facts: ledger.Facts{Cause: ledger.CauseAbuse, Signs: f}})
	if !d.a.Abuse {
		d.a.Abuse = true
		d.enter(ledger.Entry{Kind: ledger.KindAbuse, Note: d.a.Reason})
	}
	return d.Apply()
}
