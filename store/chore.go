package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A chore is something left to be done for an account, in a transaction of its own: to plan
// anew what waits. It is stored in the transaction that it follows from, and taken away in
// the one that does it, so that each is done once, whatever is killed. Bucket "chores", key
// kind NUL account NUL provider, JSON. There are as many as accounts with something to do.
type chore struct {
	Kind     string    `json:"kind"`
	Account  string    `json:"account"`
	Provider string    `json:"provider,omitempty"`
	Due      time.Time `json:"due"`
	From     []byte    `json:"from,omitempty"` // the last entry of bucket "waiting" that was looked at
}

const (
	choreReplan = "replan" // plan first sendings anew

	tellAfter  = 5 * time.Minute // what comes in within it is told together
	tellAgain  = 24 * time.Hour  // at the earliest
	replanStep = 64              // messages in a transaction
)

func (c *chore) key() []byte {
	return append(append(pairKey(c.Kind, c.Account), 0), c.Provider...)
}

func (t *tx) addChore(c chore) error { return t.put(chores, c.key(), c) }

// tellWait has it told, some minutes later, that first sendings wait until a day after
// tomorrow or longer, unless that was told already.
func (t *tx) tellWait(a *Account, rec *Record, last int) error {
	if last < rec.Today.Number+2 || last <= rec.ToldDay || t.wall.Sub(rec.Told) < tellAgain && !t.wall.Before(rec.Told) {
		return nil
	}
	return t.addNews(News{Kind: NewsWaits, Account: a.Name, Due: t.wall.Add(tellAfter)})
}

// Hold is that an account's mail is held at a provider, for what replies said.
type Hold struct {
	Account, Provider string
	Reason, Why       string
	Until             time.Time
	State             PaceEntry // to be stored with it
}

// HoldAccount stores a hold, that the account's day is not clean, and that both sides are to
// be told, in one transaction.
func (s *Store) HoldAccount(h Hold) error {
	return s.update(1024, func(t *tx) error {
		if err := t.keepPace([]PaceEntry{h.State}); err != nil {
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
		return t.addNews(News{Kind: NewsHeld, Account: h.Account, About: h.Provider, Reason: h.Reason, Why: h.Why, Until: h.Until})
	})
}

// tellSlowed is how long a customer is not told again that mail goes slower at a provider.
const tellSlowed = 7 * 24 * time.Hour

// SlowAccount has the customer told that the account's mail goes slower at a provider, and
// why, once a week at most. It looks first without writing: most know it.
func (s *Store) SlowAccount(account, provider, reason, why string) error {
	n, known := News{Kind: NewsSlowed, Account: account, About: provider, Reason: reason, Why: why}, false
	err := s.view(func(t *tx) (err error) {
		if known = t.b.Get(accounts, []byte(account)) == nil; !known {
			known, err = t.wasTold(&n)
		}
		return err
	})
	if err != nil || known {
		return err
	}
	return s.update(1024, func(t *tx) error { return t.addNews(n) })
}

// DoChores does what is due of the chores, one in a transaction; more says that there may be
// others.
func (s *Store) DoChores() (more bool, err error) {
	var list []chore
	err = s.view(func(t *tx) error {
		list, err = all[chore](t, chores, nil)
		list = slices.DeleteFunc(list, func(c chore) bool { return t.wall.Before(c.Due) && c.Due.Sub(t.wall) <= tellAfter })
		return err
	})
	for _, c := range list {
		again := false
		e := s.updateThen(1024*replanStep, func(t *tx) (err error) { again, err = t.doChore(c); return err })
		if e != nil {
			err = errors.Join(err, fmt.Errorf("%s of account %q: %w", c.Kind, c.Account, e))
		}
		more = more || again
	}
	return more, err
}

// doChore does one, or a part of it, and reports whether there is more to do at once.
func (t *tx) doChore(c chore) (more bool, err error) {
	a, err := t.account(c.Account)
	if errors.Is(err, ErrNotFound) || err == nil && c.Kind != choreReplan {
		return false, t.b.Delete(chores, c.key())
	}
	if err != nil {
		return false, err
	}
	return t.replan(a, c)
}

// replan plans some more of what waits for the account's cap.
func (t *tx) replan(a *Account, c chore) (more bool, err error) {
	rec, _, err := t.record(a)
	if err != nil {
		return false, err
	}
	t.b.Touch()
	prefix := pairKey(a.Name, "")
	if c.From == nil {
		rec.Forget()
		c.From = prefix
	}
	var keys [][]byte
	cur := t.b.Cursor(waiting)
	for k, _ := cur.Seek(append(slices.Clone(c.From), 0)); k != nil && hasPrefix(k, prefix) && len(keys) < replanStep; k, _ = cur.Next() {
		keys = append(keys, slices.Clone(k))
	}
	for _, k := range keys {
		id, domain := ID(k[len(prefix):][:16]), string(k[len(prefix)+16:])
		if err := t.replanAt(id, domain); err != nil {
			return false, err
		}
		c.From = k
	}
	if len(keys) < replanStep {
		return false, t.b.Delete(chores, c.key())
	}
	return true, t.addChore(c)
}

// replanAt plans a message's recipients at a domain anew.
func (t *tx) replanAt(id ID, domain string) error {
	m, err := t.message(id)
	if err != nil || m == nil {
		return err
	}
	waiting := slices.DeleteFunc(m.Pending(domain), func(i int) bool { return !m.Recipients[i].Waits() })
	if err := t.plan(m, domain, waiting); err != nil {
		return err
	}
	if at, left := m.due(domain); left && !at.After(t.wall) {
		t.then.lanes = append(t.then.lanes, Lane{domain, m.Account})
	}
	return nil
}

// keyStrangers has in bucket "meta" how first sendings were planned last.
var keyStrangers = []byte("strangers")

// replanIfChanged has what waits planned anew if it was planned by other rules.
func (s *Store) replanIfChanged(how *Strangers) error {
	is := fmt.Sprintf("%d %s", how.Cap, how.Way)
	same := false
	err := s.view(func(t *tx) error { same = string(t.b.Get(meta, keyStrangers)) == is; return nil })
	if err != nil || same {
		return err
	}
	return s.update(0, func(t *tx) error {
		c := t.b.Cursor(waiting)
		for k, _ := c.First(); k != nil; {
			account, _, _ := bytes.Cut(k, []byte{0})
			if err := t.addChore(chore{Kind: choreReplan, Account: string(account), Due: t.wall}); err != nil {
				return err
			}
			k, _ = c.Seek(append(bytes.Clone(account), 1)) // behind all of the account's
		}
		return t.b.Put(meta, keyStrangers, []byte(is))
	})
}
