package store

import (
	"errors"
	"fmt"

	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/news"
	"relay/store/people"
)

// RemoveAccount closes an account and deletes it with its credentials and
// networks. Its usage, its ledger and its invoices stay. It fails with ErrBusy
// while mail of it is in the queue and with ErrOwing while money is open
// between it and the operator.
func (s *Store) RemoveAccount(o behalf.Order, name string) error {
	err := s.carry(o.DryRun, func(t *tx) error {
		if err := o.Reaches(&t.Tx, name); err != nil {
			return err
		}
		waiting, err := t.s.Outcomes.Waiting(&t.Tx, name)
		if err != nil {
			return err
		}
		if waiting > 0 {
			return fmt.Errorf("account %s %w", name, ErrBusy)
		}
		if err := t.s.Orders.CloseRemoved(&t.Tx, &o, name); err != nil || o.DryRun {
			return err
		}
		return t.deleteAccount(name)
	})
	if err != nil || o.DryRun {
		return err
	}
	return errors.Join(s.People.LoadNetworks(), s.Refusals.ForgetErrors(name))
}

func (t *tx) deleteAccount(name string) error {
	if err := people.Remove(&t.Tx, name); err != nil {
		return err
	}
	if err := t.s.Remarks.Forget(&t.Tx, name); err != nil {
		return err
	}
	if err := t.s.Signing.Forget(&t.Tx, name); err != nil {
		return err
	}
	if err := errors.Join(t.s.Refusals.Forget(&t.Tx, name), news.Remove(&t.Tx, name), t.s.Delivered.Forget(&t.Tx, name), t.s.Outcomes.Forget(&t.Tx, name)); err != nil {
		return err
	}
	if err := errors.Join(t.spoolTx.Forget(name), t.s.Abuse.Forget(&t.Tx, name)); err != nil {
		return err
	}
	return errors.Join(t.s.Strangers.Forget(&t.Tx, name), t.Delete(bucket.Accounts, []byte(name)))
}
