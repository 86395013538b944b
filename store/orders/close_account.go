package orders

import (
	"errors"
	"fmt"

	"relay/store/behalf"
	"relay/store/ledger"
	"relay/store/room"
)

// CloseAccount ends an account for good: its term, its credit, and orders that
// wait for a payment. Its debts remain, and what it paid for terms that have not begun
// is in its balance.
func (s *Orders) CloseAccount(o behalf.Order, account, reason string) (Receipt, error) {
	return s.order(account, o, func(d *Deal) error { return d.end("", reason) })
}

// end ends the account, for a cause or for the reason that was given; it does nothing where the account
// is closed. Terms that have not begun are taken back: what was paid for them is the customer's.
func (d *Deal) end(cause ledger.Cause, reason string) error {
	if d.a.State == ledger.Closed {
		return nil
	}
	later, err := d.ofTerms(d.later())
	if err != nil {
		return err
	}
	if err := d.cut(); err != nil {
		return err
	}
	for _, i := range later {
		d.say(ledger.Line{Kind: ledger.LineNotBegun, Amount: i.Paid, Invoice: i.Name})
		if err := d.takeBack(i, ledger.CauseNotBegun, ""); err != nil {
			return err
		}
	}
	list, err := d.unpaid()
	if err != nil {
		return err
	}
	for _, i := range list {
		if i.Order != nil {
			if err := d.cancel(i, i.UnpaidCause(), ""); err != nil {
				return err
			}
		}
	}
	d.a.State, d.a.Reason, d.a.Ordered = ledger.Closed, "", nil
	d.enter(ledger.Entry{Kind: ledger.KindEnded, Note: reason, Facts: ledger.Facts{Cause: cause}})
	return d.settle(0)
}

// CloseRemoved closes an account that is removed in this transaction, and takes its owner and reseller
// from it. It fails with ErrOwing while money is open between the account and the operator. A dry run
// writes nothing.
func (s *Orders) CloseRemoved(t *room.Tx, o *behalf.Order, name string) error {
	d, err := s.deal(t, name, *o)
	if err != nil {
		return err
	}
	if err := errors.Join(d.CloseDue(), d.end(ledger.CauseRemoved, "")); err != nil {
		return err
	}
	if d.a.Balance != 0 {
		return fmt.Errorf("account %q: %w: its balance is %d", name, ErrOwing, d.a.Balance)
	}
	if o.DryRun {
		return nil
	}
	d.a.Owner, d.a.Reseller = "", ""
	return d.Apply()
}
