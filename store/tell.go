package store

import (
	"cmp"
	"errors"
	"fmt"

	"relay/store/books"
	"relay/store/ledger"
	"relay/store/news"
	"relay/store/room"
	"relay/store/spool"
	"relay/store/spooled"
)

// Tell queues the mails of a piece of news, takes it away and notes it as told, all in one
// transaction. It does nothing if the news is gone, and puts off what an address gets too often.
func (s *Store) Tell(n *news.Item, mails []spool.Notice) error {
	err := s.growThen(weightOf(mails), func(t *tx) error {
		is, err := news.Pending(&t.Tx, n)
		if err != nil || is == nil {
			return err
		}
		if held, err := t.holdMails(is, mails); held || err != nil {
			return err
		}
		if _, err := t.queueAll(n, mails); err != nil {
			return err
		}
		return errors.Join(t.s.News.Take(&t.Tx, is, n), t.noteTold(n))
	})
	if err != nil {
		return fmt.Errorf("tell %s of account %q: %w", n.Kind, n.Account, err)
	}
	return nil
}

// Send queues mails about an account, or with "" of the operator's own, for a person who asks
// for them. They are of the kind of n, and nothing is noted as told.
func (s *Store) Send(n *news.Item, mails []spool.Notice) (ids []spooled.ID, err error) {
	err = s.growThen(weightOf(mails), func(t *tx) (err error) {
		ids, err = t.queueAll(n, mails)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("send %s of account %q: %w", n.Kind, n.Account, err)
	}
	return ids, nil
}

// holdMails puts off sudden news whose mails go to an address that got too many of the
// account's reseller or customer, and reports that.
func (t *tx) holdMails(n *news.Item, mails []spool.Notice) (held bool, err error) {
	if !n.Kind.Sudden() || n.Account == "" || len(mails) == 0 {
		return false, nil
	}
	a, err := t.s.Books.AccountIn(&t.Tx, n.Account)
	owner := ""
	if err == nil {
		owner = cmp.Or(a.Reseller, a.Owner)
	}
	if err != nil || owner == "" {
		return false, err
	}
	var to []string
	for i := range mails {
		for _, r := range mails[i].Message.Recipients {
			to = append(to, r.Address)
		}
	}
	return news.HoldBack(&t.Tx, n, owner, to)
}

// weightOf is about how many octets the transaction writes that queues mails.
func weightOf(mails []spool.Notice) int {
	weight := 1024
	for i := range mails {
		weight += len(mails[i].Body) + 1024
	}
	return weight
}

// queueAll queues the mails of a piece of news.
func (t *tx) queueAll(n *news.Item, mails []spool.Notice) (ids []spooled.ID, err error) {
	for i := range mails {
		id, err := t.queueNews(n, &mails[i])
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// queueNews queues a mail. The caller's copy of the message stays as it is.
func (t *tx) queueNews(n *news.Item, mail *spool.Notice) (spooled.ID, error) {
	m := mail.Message
	m.ID, m.Account, m.For, m.Sender, m.Period, m.Own = t.s.ids.Next(t.Wall), "", n.Account, "", "", noteOf(n.Kind)
	if n.Kind == news.Ending { // it is not tried any more once the term has ended
		m.Expires = room.Earliest(m.Expires, n.Until)
	}
	return m.ID, t.QueueOwn(&spool.Notice{Message: m, Body: mail.Body}, m.ID, m.Own)
}

// noteTold remembers news as told. That mail waits is remembered in the account's record.
func (t *tx) noteTold(n *news.Item) error {
	a, err := t.s.Books.AccountIn(&t.Tx, n.Account)
	if n.Account == "" || errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if n.Kind == news.Waits {
		return t.toldWaits(a, n)
	}
	return news.NoteTold(&t.Tx, n)
}

// toldWaits notes how far the customer knows when its first sendings go out.
func (t *tx) toldWaits(a *books.Account, n *news.Item) error {
	rec, err := t.s.Strangers.In(&t.Tx, a.Name)
	if err != nil {
		return err
	}
	t.Touch()
	rec.Told, rec.ToldDay = t.Wall, n.LastDay
	return nil
}

// noteOf is what the trace says of a mail of a kind of news.
func noteOf(k news.Kind) spooled.EventNote {
	switch k {
	case news.Waits:
		return spooled.NoteWaits
	case news.Held:
		return spooled.NoteHeld
	case news.Ending:
		return spooled.NoteEnding
	case news.Digest, news.Source, news.FailedJob:
		return spooled.NoteOperator
	}
	return spooled.NoteNews + spooled.EventNote(k)
}

// overtaken reports whether the state that news was held back about is over.
func overtaken(n *news.Item, a *books.Account) bool {
	return n.Held && (n.Kind == news.Suspended && a.Status() != ledger.Suspended || n.Kind == news.Resumed && a.Status() != ledger.Active)
}

// NewID returns an ID that nothing else has.
func (s *Store) NewID() spooled.ID { return s.ids.Next(s.Now()) }
