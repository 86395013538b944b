package store

import (
	"relay/store/behalf"
	"relay/store/people"
	"relay/store/spool"
)

// A login that is held sends nothing, and the others of its account go on:
//
//  1. HoldLogin, or the Accept that takes the login for stolen, stores the hold and its news (package
//     access) and the window of mail that is held with it (package spool), in one transaction. From its
//     commit on permit refuses the login's mail, also a message that was coming in.
//  2. Mail that the login queued in the hour before is not searched for: Claim holds it when
//     it comes up for its next try, and lists it in bucket "held-mail". So a hold costs the
//     same whatever waits, and what was already being delivered goes out.
//  3. ResumeLogin takes hold and window away and leaves a chore, in one transaction. The chore
//     releases what is listed, some messages in a transaction each, with the time that it had
//     left when it was held.
//
// A crash after 1 leaves the login held; one in 3 leaves the chore, which the next start does.
// A login that is revoked while it is held leaves its window, so that its mail stays held.

// HoldLogin holds a login of an account that the order reaches. changed is false if it is held
// already, by the same holder or by one whose hold h may not lift.
func (s *Store) HoldLogin(o behalf.Order, account, login string, h people.LoginHold) (changed bool, err error) {
	err = s.carry(o.DryRun, func(t *tx) error {
		held, err := t.s.Access.Hold(&t.Tx, &o, account, login, h)
		changed = held != nil
		if err != nil || !changed || o.DryRun {
			return err
		}
		return t.HoldMail(held)
	})
	return changed, err
}

// ResumeLogin ends the hold of a login, and releases the mail that was held with it. was is
// the hold; nil: there was none. A dry run counts what waits.
func (s *Store) ResumeLogin(o behalf.Order, account, login string, by people.Holder) (was *people.LoginHold, mail spool.Released, err error) {
	err = s.carry(o.DryRun, func(t *tx) (err error) {
		was, err = t.s.Access.Resume(&t.Tx, &o, account, login, by)
		if err != nil || was == nil {
			return err
		}
		if o.DryRun {
			mail, err = t.HeldMail(account, login)
			return err
		}
		return t.ReleaseLater(account, login)
	})
	if err != nil || o.DryRun || was == nil {
		return was, mail, err
	}
	mail, err = s.Spool.ReleaseNow(account, login)
	return was, mail, err
}
