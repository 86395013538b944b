package spool

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"relay/store/bucket"
	"relay/store/chores"
	"relay/store/room"
	"relay/store/spooled"
)

// Released counts mail that was held with a login and is released.
type Released struct {
	Messages, Recipients int64
}

// HeldMail counts the mail that is held with a login, and that a release would let go.
func (t *Tx) HeldMail(account, login string) (n Released, err error) {
	owner := heldBy(account, login)
	prefix := room.Pair(owner, "")
	last := spooled.ID{}
	c := t.Cursor(bucket.HeldMail)
	for k, _ := c.Seek(prefix); k != nil && room.HasPrefix(k, prefix); k, _ = c.Next() {
		id, domain := spooled.ParseListKey(owner, k)
		m, err := t.Message(id)
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

// ReleaseLater removes the window of a login that is no longer held, and leaves a chore that releases
// its mail.
func (t *Tx) ReleaseLater(account, login string) error {
	t.OnCommit(func() { t.s.keepHold(account, login, nil) })
	return errors.Join(t.Delete(bucket.MailHolds, room.Pair(account, login)),
		chores.Add(&t.Tx, chores.Chore{Kind: chores.Release, Account: account, Provider: login, Due: t.Wall}))
}

// ReleaseNow does that chore at once, in small transactions. With an error it returns what was
// released before.
func (s *Spool) ReleaseNow(account, login string) (all Released, err error) {
	for more := true; more; {
		var n Released
		err = s.UpdateThen(releaseStep*1024, func(t *Tx) (err error) {
			n, more, err = t.release(account, login)
			return err
		})
		if err != nil {
			return all, err
		}
		all.Messages, all.Recipients = all.Messages+n.Messages, all.Recipients+n.Recipients
	}
	return all, nil
}

// releaseStep is how many messages a transaction releases.
const releaseStep = 64

// release releases some of the mail that was held with a login, and reports whether there is more.
func (t *Tx) release(account, login string) (n Released, more bool, err error) {
	owner := heldBy(account, login)
	prefix := room.Pair(owner, "")
	var keys [][]byte
	c := t.Cursor(bucket.HeldMail)
	for k, _ := c.Seek(prefix); k != nil && room.HasPrefix(k, prefix) && len(keys) < releaseStep; k, _ = c.Next() {
		keys = append(keys, slices.Clone(k))
	}
	done := Effect{Domains: map[string]bool{}}
	for _, k := range keys {
		id, domain := spooled.ParseListKey(owner, k)
		o := Operation{Op: OpRelease, Of: &spooled.Filter{Domain: domain}}
		if err := errors.Join(t.lengthen(owner, id), t.Delete(bucket.HeldMail, k), t.operate(&o, id, &done, nil)); err != nil {
			return n, false, err
		}
	}
	n = Released{countDistinct(done.Done), done.Recipients}
	if len(keys) < releaseStep {
		return n, false, chores.Remove(&t.Tx, chores.Chore{Kind: chores.Release, Account: account, Provider: login})
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

// heldFirst is since when a message is held: since the first of its domains that are still held with the
// login came up.
func (t *Tx) heldFirst(owner string, m *spooled.Message) (since time.Time, held bool) {
	prefix := spooled.ListKey(owner, m.ID, "")
	c := t.Cursor(bucket.HeldMail)
	for k, raw := c.Seek(prefix); k != nil && room.HasPrefix(k, prefix); k, raw = c.Next() {
		_, domain := spooled.ParseListKey(owner, k)
		at := heldSince(raw, t.Wall)
		if slices.ContainsFunc(m.Pending(domain), func(i int) bool { return m.Recipients[i].Held }) && (!held || at.Before(since)) {
			since, held = at, true
		}
	}
	return since, held
}

// lengthen adds the time for which a message was held to its life, once for all its domains. While an
// account is stopped nothing is held, so each of its suspensions ended before the hold or began after
// it. The earlier ones are added too.
func (t *Tx) lengthen(owner string, id spooled.ID) error {
	m, err := t.Message(id)
	if err != nil || m == nil {
		return err
	}
	since, held := t.heldFirst(owner, m)
	if !held {
		return nil
	}
	st, err := t.stopOf(m.Account)
	if err != nil {
		return err
	}
	if st != nil {
		st.Spans = slices.DeleteFunc(st.Spans, func(is spooled.Span) bool { return is.To.After(since) })
		st.Prolong(m)
	}
	if m.Prolonged.After(since) {
		since = m.Prolonged
	}
	if t.Wall.After(since) {
		m.Expires, m.Prolonged = m.Expires.Add(t.Wall.Sub(since)), t.Wall
	}
	return t.s.Envelopes.Write(&t.Tx, m)
}

// countDistinct counts IDs, each once. Equal ones stand together.
func countDistinct(ids []spooled.ID) int64 { return int64(len(slices.Compact(slices.Clone(ids)))) }
