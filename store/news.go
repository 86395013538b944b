package store

import (
	"errors"
	"fmt"
	"time"
)

// News is something that a customer or the operator is to be told:
//
//  1. addNews stores it, in the transaction that it follows from;
//  2. DueNews hands it out when it is due, and Telling reads the facts;
//  3. the mail is written outside of any transaction: it may have a chart;
//  4. Tell queues the mails, takes the news away and notes it as told, in one
//     transaction.
//
// A crash before 4 leaves the news for the next start, and nothing was sent. A crash after
// it leaves the mails in the queue. So each piece of news is told once.
//
// Bucket "news", key account NUL kind NUL about, JSON. Bucket "news-due", key class, due
// (8), that key: urgent kinds are handed out before those that come in thousands.
type News struct {
	Kind    NewsKind  `json:"kind"`
	Account string    `json:"account,omitempty"` // "": the operator's own matter
	About   string    `json:"about,omitempty"`   // what in particular: an invoice's number, a period, a provider, a domain; "": nothing
	Due     time.Time `json:"due"`               // not told before
	Since   time.Time `json:"since"`             // when it happened

	Reason string    `json:"reason,omitempty"` // where the kind has them
	Why    string    `json:"why,omitempty"`
	Until  time.Time `json:"until,omitzero"`
	Step   int       `json:"step,omitempty"` // of usage and overage-step: tenths; of ending: days before the end

	Tries int  `json:"tries,omitempty"` // that failed, see PutOff
	Held  bool `json:"held,omitempty"`  // it came too often, see holdBack

	lastDay int // of NewsWaits: the day that it tells of
}

// addNews stores what is to be told. It does nothing if that is waiting already, or was told
// and its kind remembers it.
func (t *tx) addNews(n News) error {
	if n.Since.IsZero() {
		n.Since = t.wall
	}
	if n.Due.IsZero() {
		n.Due = n.Since
	}
	if t.b.Get(newsOf, n.key()) != nil {
		return nil
	}
	told, err := t.wasTold(&n)
	if err != nil || told {
		return err
	}
	if err := t.holdBack(&n); err != nil {
		return err
	}
	t.b.OnCommit(t.s.signalNews)
	return t.putNews(&n)
}

// putNews stores news in both buckets.
func (t *tx) putNews(n *News) error {
	return errors.Join(t.put(newsOf, n.key(), n), t.b.Put(newsDue, n.dueKey(), []byte{}))
}

// dropNews is the opposite of putNews, for news as it is stored.
func (t *tx) dropNews(n *News) error {
	return errors.Join(t.b.Delete(newsOf, n.key()), t.b.Delete(newsDue, n.dueKey()))
}

func (n *News) key() []byte {
	return append(append(pairKey(n.Account, string(n.Kind)), 0), n.About...)
}

func (n *News) dueKey() []byte {
	return append(appendTime([]byte{n.Kind.class()}, n.Due), n.key()...)
}

// signalNews wakes the reader of NewsAdded.
func (s *Store) signalNews() {
	select {
	case s.newsAdded <- struct{}{}:
	default:
	}
}

// NewsAdded receives after news was added. Its capacity is 1.
func (s *Store) NewsAdded() <-chan struct{} { return s.newsAdded }

// DueNews returns at most n pieces of news that are due, the urgent kinds first. next is when
// the first of the others is due; zero: there are none, or more than n are due.
func (s *Store) DueNews(n int) (list []News, next time.Time, err error) {
	err = s.view(func(t *tx) error {
		list, next = nil, time.Time{}
		for class := range newsClasses {
			at, err := t.dueOf(class, n, &list)
			if err != nil {
				return err
			}
			if !at.IsZero() && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
		return nil
	})
	return list, next, err
}

// dueOf appends the news of a class that is due, until the list has n, and returns when the
// next one is due. News that was stored by a clock ahead of this one is due at once: else it
// would wait until the clock has caught up.
func (t *tx) dueOf(class byte, n int, list *[]News) (next time.Time, err error) {
	prefix := []byte{class}
	c := t.b.Cursor(newsDue)
	for k, _ := c.Seek(prefix); k != nil && hasPrefix(k, prefix) && len(*list) < n; k, _ = c.Next() {
		at, key := parseTime(k[1:]), k[9:]
		one := News{}
		if ok, err := t.get(newsOf, key, &one); err != nil || !ok {
			return next, errors.Join(err, missingNews(ok, key))
		}
		if at.After(t.wall) && !one.Since.After(t.wall.Add(time.Minute)) {
			return at, nil
		}
		*list = append(*list, one)
	}
	return next, nil
}

func missingNews(ok bool, key []byte) error {
	if ok {
		return nil
	}
	return fmt.Errorf("news %q is due and not there; see relay check --store", key)
}

// pendingNews reads news again; nil: it is gone, or it is other news by now.
func (t *tx) pendingNews(n *News) (*News, error) {
	is := &News{}
	ok, err := t.get(newsOf, n.key(), is)
	if err != nil || !ok || !is.Since.Equal(n.Since) {
		return nil, err
	}
	return is, nil
}

// Tell queues the mails of a piece of news, takes it away and notes it as told, all in one
// transaction. It does nothing if the news is gone.
func (s *Store) Tell(n *News, mails []Notice) error {
	err := s.growThen(weightOf(mails), func(t *tx) error {
		is, err := t.pendingNews(n)
		if err != nil || is == nil {
			return err
		}
		if _, err := t.queueAll(n, mails); err != nil {
			return err
		}
		return errors.Join(t.dropNews(is), t.noteTold(n))
	})
	if err != nil {
		return fmt.Errorf("tell %s of account %q: %w", n.Kind, n.Account, err)
	}
	return nil
}

// Send queues mails about an account, or with "" of the operator's own, for a person who asks
// for them. They are of the kind of n, and nothing is noted as told.
func (s *Store) Send(n *News, mails []Notice) (ids []ID, err error) {
	err = s.growThen(weightOf(mails), func(t *tx) (err error) {
		ids, err = t.queueAll(n, mails)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("send %s of account %q: %w", n.Kind, n.Account, err)
	}
	return ids, nil
}

// weightOf is about how many octets the transaction writes that queues mails.
func weightOf(mails []Notice) int {
	weight := 1024
	for i := range mails {
		weight += len(mails[i].Body) + 1024
	}
	return weight
}

// queueAll queues the mails of a piece of news.
func (t *tx) queueAll(n *News, mails []Notice) (ids []ID, err error) {
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
func (t *tx) queueNews(n *News, mail *Notice) (ID, error) {
	m := mail.Message
	m.ID, m.Account, m.For, m.Sender, m.Period, m.Own = t.s.ids.next(t.wall), "", n.Account, "", "", n.Kind.note()
	if n.Kind == NewsEnding { // it is not tried any more once the term has ended
		m.Expires = earliest(m.Expires, n.Until)
	}
	lanes, err := t.enqueueOwn(&m, mail.Body)
	t.then.lanes = append(t.then.lanes, lanes...)
	return m.ID, err
}

// PutOff gives news another due time, when its mail could not be written. It does nothing if
// the news is gone.
func (s *Store) PutOff(n *News, until time.Time) error {
	return s.update(1024, func(t *tx) error {
		is, err := t.pendingNews(n)
		if err != nil || is == nil {
			return err
		}
		if err := t.dropNews(is); err != nil {
			return err
		}
		is.Due, is.Since, is.Tries = until.UTC(), earliest(is.Since, t.wall), is.Tries+1
		return t.putNews(is)
	})
}

// deleteNews removes an account's news, and the marks of what it was told.
func (t *tx) deleteNews(account string) error {
	list, err := all[News](t, newsOf, pairKey(account, ""))
	if err != nil {
		return err
	}
	for i := range list {
		if err := t.dropNews(&list[i]); err != nil {
			return err
		}
	}
	return t.deleteOf(toldOf, account)
}

// toldMark is what is remembered of news that was told. Bucket "told", JSON, key account NUL
// kind, or account NUL kind NUL about, see NewsKind.recall.
type toldMark struct {
	About string    `json:"about,omitempty"`
	Step  int       `json:"step,omitempty"`
	At    time.Time `json:"at"`
}

// toldKey is nil for a kind that is not remembered.
func (n *News) toldKey() []byte {
	switch n.Kind.recall() {
	case rememberLast:
		return pairKey(n.Account, string(n.Kind))
	case rememberWeek:
		return n.key()
	}
	return nil
}

// wasTold reports whether news was told already; a further step of it was not.
func (t *tx) wasTold(n *News) (bool, error) {
	key := n.toldKey()
	if key == nil {
		return false, nil
	}
	m := toldMark{}
	found, err := t.get(toldOf, key, &m)
	if age := t.wall.Sub(m.At); n.Kind.recall() == rememberWeek && (age < 0 || age >= tellSlowed) {
		return false, err
	}
	return found && m.About == n.About && m.Step >= n.Step, err
}

// noteTold remembers news as told. That mail waits is remembered in the account's record.
func (t *tx) noteTold(n *News) error {
	a, err := t.account(n.Account)
	if n.Account == "" || errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if n.Kind == NewsWaits {
		return t.toldWaits(a, n)
	}
	if key := n.toldKey(); key != nil {
		return t.put(toldOf, key, toldMark{About: n.About, Step: n.Step, At: t.wall})
	}
	return nil
}

// toldWaits notes how far the customer knows when its first sendings go out.
func (t *tx) toldWaits(a *Account, n *News) error {
	rec, _, err := t.record(a)
	if err != nil {
		return err
	}
	t.b.Touch()
	rec.Told, rec.ToldDay = t.wall, n.lastDay
	return nil
}

// NewID returns an ID that nothing else has.
func (s *Store) NewID() ID { return s.ids.next(s.Now()) }
