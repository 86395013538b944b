package store

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"

	"relay/store/behalf"
	"relay/store/bucket"
	"relay/store/chores"
	"relay/store/people"
	"relay/store/room"
	"relay/store/spooled"
)

// A login that is held sends nothing, and the others of its account go on:
//
//  1. HoldLogin, or the Accept that finds the login stolen, has the room of logins note the hold and
//     the news (access.Hold), and stores the window of mail that is held with it, in one transaction.
//     From its commit on permit refuses the login's mail, also a message that was coming in.
//  2. Mail that the login queued in the hour before is not searched for: Claim holds it when
//     it comes up for its next try, and lists it in bucket "held-mail". So a hold costs the
//     same whatever waits, and what was already being delivered goes out.
//  3. ResumeLogin takes hold and window away and leaves a chore, in one transaction. The chore
//     releases what is listed, some messages in a transaction each, with the time that it had
//     left when it was held.
//
// A crash after 1 leaves the login held; one in 3 leaves the chore, which the next start does.
// A login that is revoked while it is held leaves its window, so that its mail stays held.

// heldBefore is how long before a hold mail was accepted that is held with it.
const heldBefore = time.Hour

// mailHold is the window of a login's mail that is held. Bucket "mail-holds", key login, JSON.
// There are as many as held logins, and held ones that were revoked; they are in memory too.
type mailHold struct {
	Login   string    `json:"login"`
	Account string    `json:"account"`
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
}

func (h *mailHold) covers(m *spooled.Message) bool {
	return m.Account == h.Account && !m.Accepted.Before(h.From) && !m.Accepted.After(h.Until)
}

// HoldLogin holds a login of an account that the order reaches. changed is false if it is held
// already, by the same holder or by one whose hold h may not lift.
func (s *Store) HoldLogin(o behalf.Order, account, login string, h people.LoginHold) (changed bool, err error) {
	err = s.carry(o.DryRun, func(t *tx) error {
		held, err := t.s.Access.Hold(&t.Tx, &o, account, login, h)
		changed = held != nil
		if err != nil || !changed || o.DryRun {
			return err
		}
		return t.holdMail(held)
	})
	return changed, err
}

// holdMail stores the window of a login that is held. Under another holder the hold keeps its
// beginning, and so the window its end. What a resume has left to be released stays held.
func (t *tx) holdMail(c *people.Credential) error {
	w := mailHold{Login: c.Login, Account: c.Account, From: t.Wall.Add(-heldBefore), Until: c.Hold.Since}
	was := mailHold{}
	found, err := t.Read(bucket.MailHolds, []byte(c.Login), &was)
	if err != nil {
		return err
	}
	if found && was.Account == c.Account { // also of an earlier login of that name
		w.From = earliest(w.From, was.From)
	}
	release := chores.Chore{Kind: chores.Release, Account: c.Account, Provider: c.Login}
	t.OnCommit(func() { t.s.keepHold(c.Login, &w) })
	return errors.Join(t.Write(bucket.MailHolds, []byte(c.Login), w), chores.Remove(&t.Tx, release))
}

// Released is the mail of a login that went on with it.
type Released struct {
	Messages, Recipients int64
}

// ResumeLogin ends the hold of a login, and releases the mail that was held with it. was is
// the hold; nil: there was none. A dry run counts what waits.
func (s *Store) ResumeLogin(o behalf.Order, account, login string, by people.Holder) (was *people.LoginHold, mail Released, err error) {
	err = s.carry(o.DryRun, func(t *tx) (err error) {
		was, err = t.s.Access.Resume(&t.Tx, &o, account, login, by)
		if err != nil || was == nil {
			return err
		}
		if o.DryRun {
			mail, err = t.heldMail(login)
			return err
		}
		t.OnCommit(func() { t.s.keepHold(login, nil) })
		return errors.Join(t.Delete(bucket.MailHolds, []byte(login)),
			chores.Add(&t.Tx, chores.Chore{Kind: chores.Release, Account: account, Provider: login, Due: t.Wall}))
	})
	if err != nil || o.DryRun || was == nil {
		return was, mail, err
	}
	for more := true; more && err == nil; {
		err = s.updateThen(releaseStep*1024, func(t *tx) error {
			var n Released
			n, more, err = t.release(account, login)
			mail.Messages, mail.Recipients = mail.Messages+n.Messages, mail.Recipients+n.Recipients
			return err
		})
	}
	return was, mail, err
}

// keepHold takes a window into memory, or nil for one that is gone. The writer calls it.
func (s *Store) keepHold(login string, h *mailHold) {
	next := map[string]*mailHold{}
	if old := s.mailHolds.Load(); old != nil {
		next = maps.Clone(*old)
	}
	if delete(next, login); h != nil {
		next[login] = h
	}
	s.mailHolds.Store(&next)
}

// loadHolds takes the windows into memory.
func (s *Store) loadHolds() error {
	return s.view(func(t *tx) error {
		list, err := room.All[mailHold](&t.Tx, bucket.MailHolds, nil)
		next := make(map[string]*mailHold, len(list))
		for i := range list {
			next[list[i].Login] = &list[i]
		}
		s.mailHolds.Store(&next)
		return err
	})
}

// heldKey lists a message's recipients at a domain that are held with its login.
func heldKey(login string, id spooled.ID, domain string) []byte {
	return append(append(room.Pair(login, ""), id[:]...), domain...)
}

// holdClaimed holds recipients that were about to be claimed, if their login was held after it
// had queued the message. Those that somebody has released since go out.
func (t *tx) holdClaimed(c *Claimed) error {
	h := (*t.s.mailHolds.Load())[c.Message.Login]
	if h == nil || !h.covers(c.Message) {
		return nil
	}
	key := heldKey(h.Login, c.Message.ID, c.Domain)
	if t.Get(bucket.HeldMail, key) != nil {
		return nil
	}
	c.Rcpts = nil
	o := Operation{Op: OpHold, Of: &Filter{Domain: c.Domain}}
	since := binary.BigEndian.AppendUint64(nil, uint64(t.Wall.Unix()))
	return errors.Join(t.Put(bucket.HeldMail, key, since), t.operate(&o, c.Message.ID, &Effect{Domains: map[string]bool{}}, nil))
}

// releaseStep is how many messages a transaction releases.
const releaseStep = 64

// release lets some of the mail go on that was held with a login, and says whether there is
// more.
func (t *tx) release(account, login string) (n Released, more bool, err error) {
	prefix := room.Pair(login, "")
	var keys [][]byte
	var since []time.Time
	c := t.Cursor(bucket.HeldMail)
	for k, raw := c.Seek(prefix); k != nil && room.HasPrefix(k, prefix) && len(keys) < releaseStep; k, raw = c.Next() {
		keys, since = append(keys, slices.Clone(k)), append(since, heldSince(raw, t.Wall))
	}
	done := Effect{Domains: map[string]bool{}}
	for i, k := range keys {
		id, domain := spooled.ID(k[len(prefix):][:16]), string(k[len(prefix)+16:])
		o := Operation{Op: OpRelease, Of: &Filter{Domain: domain}}
		if err := errors.Join(t.lengthen(id, domain, since[i]), t.Delete(bucket.HeldMail, k), t.operate(&o, id, &done, nil)); err != nil {
			return n, false, err
		}
	}
	n = Released{countDistinct(done.Done), done.Recipients}
	if len(keys) < releaseStep {
		job := chores.Chore{Kind: chores.Release, Account: account, Provider: login}
		return n, false, chores.Remove(&t.Tx, job)
	}
	return n, true, nil
}

// heldSince reads since when a message is held.
func heldSince(raw []byte, now time.Time) time.Time {
	if len(raw) != 8 {
		return now
	}
	return time.Unix(int64(binary.BigEndian.Uint64(raw)), 0).UTC()
}

// lengthen adds the time for which a message was held to its life, once for all its domains. A
// suspension of the account is over before the hold or began after it: nothing is held while
// the account is stopped.
func (t *tx) lengthen(id spooled.ID, domain string, since time.Time) error {
	m, err := t.message(id)
	if err != nil || m == nil || !slices.ContainsFunc(m.Pending(domain), func(i int) bool { return m.Recipients[i].Held }) {
		return err
	}
	st, err := t.stopOf(m.Account)
	if err != nil {
		return err
	}
	if st != nil {
		st.Spans = slices.DeleteFunc(st.Spans, func(is span) bool { return is.To.After(since) })
		st.prolong(m)
	}
	if m.Prolonged.After(since) {
		since = m.Prolonged
	}
	if t.Wall.After(since) {
		m.Expires, m.Prolonged = m.Expires.Add(t.Wall.Sub(since)), t.Wall
	}
	return t.s.envelopes.Write(&t.Tx, m)
}

// countDistinct counts IDs that come in order, each once.
func countDistinct(ids []spooled.ID) int64 { return int64(len(slices.Compact(slices.Clone(ids)))) }

// HeldMail counts what is held with a login.
func (t *tx) heldMail(login string) (n Released, err error) {
	prefix := room.Pair(login, "")
	last := spooled.ID{}
	c := t.Cursor(bucket.HeldMail)
	for k, _ := c.Seek(prefix); k != nil && room.HasPrefix(k, prefix); k, _ = c.Next() {
		id, domain := spooled.ID(k[len(prefix):][:16]), string(k[len(prefix)+16:])
		m, err := t.message(id)
		if err != nil {
			return n, err
		}
		if m == nil {
			continue
		}
		held := int64(0)
		for _, i := range m.Pending(domain) {
			if m.Recipients[i].Held {
				held++
			}
		}
		if held > 0 && id != last {
			n.Messages, last = n.Messages+1, id
		}
		n.Recipients += held
	}
	return n, nil
}

// deleteHolds removes the windows of an account that is removed, which has no mail any more.
func (t *tx) deleteHolds(account string) error {
	list, err := room.All[mailHold](&t.Tx, bucket.MailHolds, nil)
	for _, h := range list {
		if h.Account != account {
			continue
		}
		t.OnCommit(func() { t.s.keepHold(h.Login, nil) })
		err = errors.Join(err, t.DeleteOf(bucket.HeldMail, h.Login), t.Delete(bucket.MailHolds, []byte(h.Login)))
	}
	return err
}
