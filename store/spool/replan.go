package spool

import (
	"slices"

	"relay/store/bucket"
	"relay/store/chores"
	"relay/store/room"
	"relay/store/spooled"
)

const replanStep = 64 // messages, or lanes, in one transaction of a chore

// replan plans anew some of the mail that waits for the account's cap of first sendings.
func (t *Tx) replan(c chores.Chore) (more bool, err error) {
	prefix := room.Pair(c.Account, "")
	if c.From == nil {
		rec, err := t.s.Strangers.In(&t.Tx, c.Account)
		if err != nil {
			return false, err
		}
		t.Touch()
		rec.Forget()
		c.From = prefix
	}
	var keys [][]byte
	cur := t.Cursor(bucket.Waiting)
	for k, _ := cur.Seek(append(slices.Clone(c.From), 0)); k != nil && room.HasPrefix(k, prefix) && len(keys) < replanStep; k, _ = cur.Next() {
		keys = append(keys, slices.Clone(k))
	}
	for _, k := range keys {
		id, domain := spooled.ParseListKey(c.Account, k)
		if err := t.replanAt(id, domain); err != nil {
			return false, err
		}
		c.From = k
	}
	if len(keys) < replanStep {
		return false, chores.Remove(&t.Tx, c)
	}
	return true, chores.Add(&t.Tx, c)
}

// replanAt plans a message's recipients at a domain anew.
func (t *Tx) replanAt(id spooled.ID, domain string) error {
	m, err := t.Message(id)
	if err != nil || m == nil {
		return err
	}
	waiting := slices.DeleteFunc(m.Pending(domain), func(i int) bool { return !m.Recipients[i].Waits() })
	if err := t.s.Strangers.PlanAgain(&t.Tx, m, domain, waiting, t.changeOf(m, domain)); err != nil {
		return err
	}
	if at, left := m.Due(domain); left && !at.After(t.Wall) {
		t.then.lanes = append(t.then.lanes, spooled.Lane{Domain: domain, Account: m.Account})
	}
	return nil
}
