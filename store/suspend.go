package store

import (
	"errors"
	"fmt"
	"time"

	"relay/store/behalf"
	"relay/store/ledger"
)

// Suspend stops an account; the customer is told the reason.
func (s *Store) Suspend(o behalf.Order, account, reason string) (Receipt, error) {
	return s.order(account, o, func(d *deal) error {
		if err := d.maySwitch(o); err != nil {
			return err
		}
		was := d.a.State
		d.a.State, d.a.Reason, d.a.Cause = ledger.Suspended, reason, ""
		return d.switched(was)
	})
}

// Resume lets an account go on that was suspended or is held back. What it is held
// back for stays open and holds it back no more; the next invoice may. One that
// never was active is pending again.
func (s *Store) Resume(o behalf.Order, account string) (Receipt, error) {
	return s.order(account, o, func(d *deal) error {
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

// forbear from holding the account back for what it is held back for.
func (d *deal) forbear() error {
	list, err := d.unpaid()
	for _, i := range list {
		if i.Dunned {
			i.Dunned, i.Suspends = false, time.Time{}
		}
	}
	return err
}

// switched enters that the operator suspended or resumed the account.
func (d *deal) switched(was ledger.AccountState) error {
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

// switchQueue stops an account's mail, or lets it go on, when its state has changed.
// A suspended account that is closed stays stopped.
func (t *tx) switchQueue(was, is *Account) error {
	switch {
	case was.State == is.State:
		return nil
	case is.State == ledger.Suspended:
		return t.StopQueue(is.Name)
	case was.State == ledger.Suspended && is.State != ledger.Closed:
		if stopped, err := t.StartQueue(is.Name); err != nil || !stopped {
			return err
		}
		return t.forgive(is)
	}
	return nil
}
