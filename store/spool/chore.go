package spool

import (
	"errors"

	"relay/store/chores"
	"relay/store/room"
)

// doers are the functions that do each kind of chore.
func (s *Spool) doers() map[chores.Kind]chores.Doer {
	return map[chores.Kind]chores.Doer{
		chores.Replan: s.doer((*Tx).replan),
		chores.Unpark: s.doer((*Tx).unpark),
		chores.Release: s.doer(func(t *Tx, c chores.Chore) (more bool, err error) {
			_, more, err = t.release(c.Account, c.Provider)
			return more, err
		}),
	}
}

// doer does a part of a chore in a transaction, as the chore is stored by then. Where the account is
// gone it takes the chore away: nothing is left to do.
func (s *Spool) doer(part func(*Tx, chores.Chore) (more bool, err error)) chores.Doer {
	return func(c chores.Chore) (more bool, err error) {
		err = s.UpdateThen(1024*replanStep, func(t *Tx) error {
			more = false
			is, there, err := chores.Again(&t.Tx, c)
			if err != nil || !there {
				return err
			}
			_, err = t.customer(is.Account)
			if errors.Is(err, room.ErrNotFound) {
				return chores.Remove(&t.Tx, is)
			}
			if err == nil {
				more, err = part(t, is)
			}
			return err
		})
		return more, err
	}
}
