package store

import (
	"relay/store/books"
	"relay/store/chores"
	"relay/store/ledger"
	"relay/store/orders"
	"relay/store/room"
)

// ordered does what an order means for the account's mail, and stores what its customer is to be told,
// in the order's transaction.
func (s *Store) ordered(e *room.Tx, d *orders.Done) error {
	t := s.in(*e)
	if d.Was.FirstCap != d.Is.FirstCap {
		if err := chores.Add(&t.Tx, chores.Chore{Kind: chores.Replan, Account: d.Is.Name, Due: t.Wall}); err != nil {
			return err
		}
	}
	if err := t.switchQueue(d.Was, d.Is); err != nil || d.Silent {
		return err
	}
	return t.addNews(d)
}

// switchQueue stops an account's mail, or lets it go on, when its state has changed.
// A suspended account that is closed stays stopped.
func (t *tx) switchQueue(was, is *books.Account) error {
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
