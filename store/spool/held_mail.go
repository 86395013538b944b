package spool

import (
	"encoding/binary"
	"errors"
	"maps"
	"time"

	"relay/store/bucket"
	"relay/store/chores"
	"relay/store/people"
	"relay/store/room"
	"relay/store/spooled"
)

// Mail that a login queued shortly before it was held is held with it:
//
//  1. HoldMail stores the window of that mail, in the transaction that holds the login.
//  2. Claim holds such mail when it comes up for its next try (keepBack), and lists it in bucket
//     "held-mail".
//  3. ReleaseLater takes the window away and leaves a chore, in the transaction that ends the hold of
//     the login. The chore releases what is listed, some messages in a transaction each.
//
// A crash leaves the window or the chore, and so each message held or released.

// heldBefore is how long before its hold a login may have queued mail that is held with it.
const heldBefore = time.Hour

// mailHold is the window of a login's mail that is held. Bucket "mail-holds", key account NUL login, JSON:
// when a login was revoked, another account may get its name. There is a window for each login that is
// held, or was revoked while it was. They are in memory too.
type mailHold struct {
	Account string    `json:"account"`
	Login   string    `json:"login"`
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
}

func (h *mailHold) covers(m *spooled.Message) bool {
	return !m.Accepted.Before(h.From) && !m.Accepted.After(h.Until)
}

// HoldMail stores the window of a login that is held. A hold that passes to another holder keeps its
// beginning, and so the window its end. Mail that an earlier resume has not released yet stays held.
func (t *Tx) HoldMail(c *people.Credential) error {
	w := mailHold{Login: c.Login, Account: c.Account, From: t.Wall.Add(-heldBefore), Until: c.Hold.Since}
	was := mailHold{}
	key := room.Pair(c.Account, c.Login)
	found, err := t.Read(bucket.MailHolds, key, &was)
	if err != nil {
		return err
	}
	if found && was.From.Before(w.From) { // also of an earlier login of that name
		w.From = was.From
	}
	release := chores.Chore{Kind: chores.Release, Account: c.Account, Provider: c.Login}
	t.OnCommit(func() { t.s.keepHold(c.Account, c.Login, &w) })
	return errors.Join(t.Write(bucket.MailHolds, key, w), chores.Remove(&t.Tx, release))
}

// mailHolds are all windows, by account and login.
type mailHolds = map[[2]string]*mailHold

// keepHold takes a window into memory; nil removes it. Only the writer calls it, after a commit.
func (s *Spool) keepHold(account, login string, h *mailHold) {
	next := mailHolds{}
	if old := s.mailHolds.Load(); old != nil {
		next = maps.Clone(*old)
	}
	if delete(next, [2]string{account, login}); h != nil {
		next[[2]string{account, login}] = h
	}
	s.mailHolds.Store(&next)
}

// loadHolds takes the windows into memory.
func (s *Spool) loadHolds() error {
	return s.view(func(t *Tx) error {
		list, err := room.All[mailHold](&t.Tx, bucket.MailHolds, nil)
		next := make(mailHolds, len(list))
		for i := range list {
			next[[2]string{list[i].Account, list[i].Login}] = &list[i]
		}
		s.mailHolds.Store(&next)
		return err
	})
}

// heldBy is the owner under which mail that is held with a login is listed (spooled.ListKey).
func heldBy(account, login string) string { return account + "\x00" + login }

// keepBack holds recipients that were about to be claimed, if the message is in the window of a held
// login. Those that the operator has released since then go out.
func (t *Tx) keepBack(c *Claimed) error {
	h := (*t.s.mailHolds.Load())[[2]string{c.Message.Account, c.Message.Login}]
	if h == nil || !h.covers(c.Message) {
		return nil
	}
	key := spooled.ListKey(heldBy(h.Account, h.Login), c.Message.ID, c.Domain)
	if t.Get(bucket.HeldMail, key) != nil {
		return nil
	}
	c.Rcpts = nil
	o := Operation{Op: OpHold, Of: &spooled.Filter{Domain: c.Domain}}
	since := binary.BigEndian.AppendUint64(nil, uint64(t.Wall.Unix()))
	return errors.Join(t.Put(bucket.HeldMail, key, since), t.operate(&o, c.Message.ID, &Effect{Domains: map[string]bool{}}, nil))
}

// deleteHolds removes the windows of an account that is removed. It has no mail any more.
func (t *Tx) deleteHolds(account string) error {
	prefix := room.Pair(account, "")
	c := t.Cursor(bucket.MailHolds)
	for k, _ := c.Seek(prefix); room.HasPrefix(k, prefix); k, _ = c.Next() {
		login := string(k[len(prefix):])
		t.OnCommit(func() { t.s.keepHold(account, login, nil) })
	}
	return errors.Join(t.DeleteOf(bucket.HeldMail, account), t.DeleteOf(bucket.MailHolds, account))
}
