package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"relay/store/bucket"
	"relay/store/chores"
	"relay/store/news"
	"relay/store/room"
	"relay/store/sites"
	"relay/store/spooled"
)

const (
	tellAfter  = 5 * time.Minute // what comes in within it is told together
	tellAgain  = 24 * time.Hour  // at the earliest
	replanStep = 64              // messages in a transaction
)

// tellWait stores the news that first sendings wait until the day after tomorrow or longer, unless
// that was told already. It is told some minutes later.
func (t *tx) tellWait(a *Account, rec *Record, last int) error {
	if last < rec.Today.Number+2 || last <= rec.ToldDay || t.Wall.Sub(rec.Told) < tellAgain && !t.Wall.Before(rec.Told) {
		return nil
	}
	return t.tellOfQueue(news.Item{Kind: news.Waits, Account: a.Name, Due: t.Wall.Add(tellAfter)})
}

// Hold says that an account's mail is held at a provider, and why.
type Hold struct {
	Account, Provider string
	Reason, Why       string
	Until             time.Time
	State             sites.PaceEntry // to be stored with it
}

// HoldAccount stores a hold, that the account's day is not clean, and that both sides are to
// be told, in one transaction.
func (s *Store) HoldAccount(h Hold) error {
	return s.update(1024, func(t *tx) error {
		if err := t.s.Sites.PutPace(&t.Tx, []sites.PaceEntry{h.State}); err != nil {
			return err
		}
		a, err := t.account(h.Account)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		rec, _, err := t.record(a)
		if err != nil {
			return err
		}
		rec.Today.Bad = true
		return t.tellOfQueue(news.Item{Kind: news.Held, Account: h.Account, About: h.Provider, Reason: h.Reason, Why: h.Why, Until: h.Until})
	})
}

// SlowAccount has the customer told that the account's mail goes slower at a provider, and
// why, once a week at most. It looks first without writing: most know it.
func (s *Store) SlowAccount(account, provider, reason, why string) error {
	n, known := news.Item{Kind: news.Slowed, Account: account, About: provider, Reason: reason, Why: why}, false
	err := s.view(func(t *tx) (err error) {
		if known = t.s.Stopped(account) || t.Get(bucket.Accounts, []byte(account)) == nil; !known {
			known, err = news.WasTold(&t.Tx, &n)
		}
		return err
	})
	if err != nil || known {
		return err
	}
	return s.update(1024, func(t *tx) error { return t.tellOfQueue(n) })
}

// doers are the functions that do each kind of chore.
func (s *Store) doers() map[chores.Kind]chores.Doer {
	return map[chores.Kind]chores.Doer{
		chores.Replan: s.doer((*tx).replan),
		chores.Unpark: s.doer((*tx).unpark),
		chores.Release: s.doer(func(t *tx, a *Account, c chores.Chore) (more bool, err error) {
			_, more, err = t.release(a.Name, c.Provider)
			return more, err
		}),
	}
}

// doer does a part of a chore in a transaction, as it is stored by then. Without its account there
// is nothing left to do.
func (s *Store) doer(part func(*tx, *Account, chores.Chore) (more bool, err error)) chores.Doer {
	return func(c chores.Chore) (more bool, err error) {
		err = s.updateThen(1024*replanStep, func(t *tx) error {
			more = false
			is, there, err := chores.Again(&t.Tx, c)
			if err != nil || !there {
				return err
			}
			a, err := t.account(is.Account)
			if errors.Is(err, ErrNotFound) {
				return chores.Remove(&t.Tx, is)
			}
			if err == nil {
				more, err = part(t, a, is)
			}
			return err
		})
		return more, err
	}
}

// replan plans some more of what waits for the account's cap.
func (t *tx) replan(a *Account, c chores.Chore) (more bool, err error) {
	rec, _, err := t.record(a)
	if err != nil {
		return false, err
	}
	t.Touch()
	prefix := room.Pair(a.Name, "")
	if c.From == nil {
		rec.Forget()
		c.From = prefix
	}
	var keys [][]byte
	cur := t.Cursor(bucket.Waiting)
	for k, _ := cur.Seek(append(slices.Clone(c.From), 0)); k != nil && room.HasPrefix(k, prefix) && len(keys) < replanStep; k, _ = cur.Next() {
		keys = append(keys, slices.Clone(k))
	}
	for _, k := range keys {
		id, domain := spooled.ID(k[len(prefix):][:16]), string(k[len(prefix)+16:])
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
func (t *tx) replanAt(id spooled.ID, domain string) error {
	m, err := t.message(id)
	if err != nil || m == nil {
		return err
	}
	waiting := slices.DeleteFunc(m.Pending(domain), func(i int) bool { return !m.Recipients[i].Waits() })
	if err := t.plan(m, domain, waiting); err != nil {
		return err
	}
	if at, left := m.Due(domain); left && !at.After(t.Wall) {
		t.then.lanes = append(t.then.lanes, spooled.Lane{Domain: domain, Account: m.Account})
	}
	return nil
}

// keyStrangers is where bucket "meta" says by which rules first sendings were planned last.
var keyStrangers = []byte("strangers")

// replanIfChanged has what waits planned anew if it was planned by other rules.
func (s *Store) replanIfChanged(how *Strangers) error {
	is := fmt.Sprintf("%d %s", how.Cap, how.Way)
	same := false
	err := s.view(func(t *tx) error { same = string(t.Get(bucket.Meta, keyStrangers)) == is; return nil })
	if err != nil || same {
		return err
	}
	return s.update(0, func(t *tx) error {
		c := t.Cursor(bucket.Waiting)
		for k, _ := c.First(); k != nil; {
			account, _, _ := bytes.Cut(k, []byte{0})
			if err := chores.Add(&t.Tx, chores.Chore{Kind: chores.Replan, Account: string(account), Due: t.Wall}); err != nil {
				return err
			}
			k, _ = c.Seek(append(bytes.Clone(account), 1)) // behind all of the account's
		}
		return t.Put(bucket.Meta, keyStrangers, []byte(is))
	})
}
