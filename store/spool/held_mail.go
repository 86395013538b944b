package spool

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"

	"relay/store/bucket"
	"relay/store/chores"
	"relay/store/people"
	"relay/store/room"
	"relay/store/spooled"
)

// heldBefore is how long before a hold mail was accepted that is held with it.
const heldBefore = time.Hour

// mailHold is the window of a login's mail that is held. Bucket "mail-holds", key account NUL login,
// JSON: a login that was revoked may be another account's next. There are as many as held logins,
// and held ones that were revoked; they are in memory too.
type mailHold struct {
	Account string    `json:"account"`
	Login   string    `json:"login"`
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
}

func (h *mailHold) covers(m *spooled.Message) bool {
	return !m.Accepted.Before(h.From) && !m.Accepted.After(h.Until)
}

// HoldMail stores the window of a login that is held. Under another holder the hold keeps its
// beginning, and so the window its end. What a resume has left to be released stays held.
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

// Released is the mail of a login that went on with it.
type Released struct {
	Messages, Recipients int64
}

// mailHolds are all windows, by account and login.
type mailHolds = map[[2]string]*mailHold

// keepHold takes a window into memory, or nil for one that is gone. The writer calls it.
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

// heldPrefix begins the keys of what is held with a login.
func heldPrefix(account, login string) []byte { return append(room.Pair(account, login), 0) }

// heldKey lists a message's recipients at a domain that are held with its login.
func heldKey(h *mailHold, id spooled.ID, domain string) []byte {
	return append(append(heldPrefix(h.Account, h.Login), id[:]...), domain...)
}

// keepBack holds recipients that were about to be claimed, if their login was held after it
// had queued the message. Those that somebody has released since go out.
func (t *Tx) keepBack(c *Claimed) error {
	h := (*t.s.mailHolds.Load())[[2]string{c.Message.Account, c.Message.Login}]
	if h == nil || !h.covers(c.Message) {
		return nil
	}
	key := heldKey(h, c.Message.ID, c.Domain)
	if t.Get(bucket.HeldMail, key) != nil {
		return nil
	}
	c.Rcpts = nil
	o := Operation{Op: OpHold, Of: &spooled.Filter{Domain: c.Domain}}
	since := binary.BigEndian.AppendUint64(nil, uint64(t.Wall.Unix()))
	return errors.Join(t.Put(bucket.HeldMail, key, since), t.operate(&o, c.Message.ID, &Effect{Domains: map[string]bool{}}, nil))
}

// releaseStep is how many messages a transaction releases.
const releaseStep = 64

// release lets some of the mail go on that was held with a login, and says whether there is
// more.
func (t *Tx) release(account, login string) (n Released, more bool, err error) {
	prefix := heldPrefix(account, login)
	var keys [][]byte
	var since []time.Time
	c := t.Cursor(bucket.HeldMail)
	for k, raw := c.Seek(prefix); k != nil && room.HasPrefix(k, prefix) && len(keys) < releaseStep; k, raw = c.Next() {
		keys, since = append(keys, slices.Clone(k)), append(since, heldSince(raw, t.Wall))
	}
	done := Effect{Domains: map[string]bool{}}
	for i, k := range keys {
		id, domain := spooled.ID(k[len(prefix):][:16]), string(k[len(prefix)+16:])
		o := Operation{Op: OpRelease, Of: &spooled.Filter{Domain: domain}}
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
func (t *Tx) lengthen(id spooled.ID, domain string, since time.Time) error {
	m, err := t.Message(id)
	if err != nil || m == nil || !slices.ContainsFunc(m.Pending(domain), func(i int) bool { return m.Recipients[i].Held }) {
		return err
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

// countDistinct counts IDs that come in order, each once.
func countDistinct(ids []spooled.ID) int64 { return int64(len(slices.Compact(slices.Clone(ids)))) }

// HeldMail counts what is held with a login.
func (t *Tx) HeldMail(account, login string) (n Released, err error) {
	prefix := heldPrefix(account, login)
	last := spooled.ID{}
	c := t.Cursor(bucket.HeldMail)
	for k, _ := c.Seek(prefix); k != nil && room.HasPrefix(k, prefix); k, _ = c.Next() {
		id, domain := spooled.ID(k[len(prefix):][:16]), string(k[len(prefix)+16:])
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

// deleteHolds removes the windows of an account that is removed, which has no mail any more.
func (t *Tx) deleteHolds(account string) error {
	prefix := room.Pair(account, "")
	c := t.Cursor(bucket.MailHolds)
	for k, _ := c.Seek(prefix); room.HasPrefix(k, prefix); k, _ = c.Next() {
		login := string(k[len(prefix):])
		t.OnCommit(func() { t.s.keepHold(account, login, nil) })
	}
	return errors.Join(t.DeleteOf(bucket.HeldMail, account), t.DeleteOf(bucket.MailHolds, account))
}

// ReleaseLater takes the window of a login away that is held no more, and leaves the release of its mail.
func (t *Tx) ReleaseLater(account, login string) error {
	t.OnCommit(func() { t.s.keepHold(account, login, nil) })
	return errors.Join(t.Delete(bucket.MailHolds, room.Pair(account, login)),
		chores.Add(&t.Tx, chores.Chore{Kind: chores.Release, Account: account, Provider: login, Due: t.Wall}))
}

// ReleaseNow releases the mail of a login at once, in small transactions.
func (s *Spool) ReleaseNow(account, login string) (all Released, err error) {
	for more := true; more && err == nil; {
		err = s.UpdateThen(releaseStep*1024, func(t *Tx) error {
			var n Released
			n, more, err = t.release(account, login)
			all.Messages, all.Recipients = all.Messages+n.Messages, all.Recipients+n.Recipients
			return err
		})
	}
	return all, err
}
