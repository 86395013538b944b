package spool

import (
	"errors"
	"time"

	"relay/store/bucket"
	"relay/store/news"
	"relay/store/room"
	"relay/store/sites"
)

// Hold says that an account's mail is held at a provider, and why.
type Hold struct {
	Account, Provider string
	Reason, Why       string // as in news.Item
	Until             time.Time
	State             sites.PaceEntry // to be stored with it
}

// HoldAccount stores a hold, that the account's day is not clean, and the news for customer and
// operator, in one transaction.
func (s *Spool) HoldAccount(h Hold) error {
	return s.update(1024, func(t *Tx) error {
		if err := t.s.Sites.PutPace(&t.Tx, []sites.PaceEntry{h.State}); err != nil {
			return err
		}
		rec, err := t.s.Strangers.In(&t.Tx, h.Account)
		if errors.Is(err, room.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		rec.Today.Bad = true
		return t.TellOfQueue(news.Item{Kind: news.Held, Account: h.Account, About: h.Provider, Reason: h.Reason, Why: h.Why, Until: h.Until})
	})
}

// SlowAccount has the customer told that the account's mail goes slower at a provider, and
// why, once a week at most. It reads first, since most were told already, and then writes nothing.
func (s *Spool) SlowAccount(account, provider, reason, why string) error {
	n, known := news.Item{Kind: news.Slowed, Account: account, About: provider, Reason: reason, Why: why}, false
	err := s.view(func(t *Tx) (err error) {
		if known = t.s.Stopped(account) || t.Get(bucket.Accounts, []byte(account)) == nil; !known {
			known, err = news.WasTold(&t.Tx, &n)
		}
		return err
	})
	if err != nil || known {
		return err
	}
	return s.update(1024, func(t *Tx) error { return t.TellOfQueue(n) })
}
