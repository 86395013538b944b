package store

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"relay/store/bucket"
	"relay/store/chores"
	"relay/store/news"
	"relay/store/room"
	"relay/store/spooled"
)

const (
	tellAfter  = 5 * time.Minute // what comes in within it is told together
	tellAgain  = 24 * time.Hour  // at the earliest
	replanStep = 64              // messages in a transaction
)

// tellWait stores the news that first sendings wait until the day after tomorrow or longer, unless
// that was told already. It is told some minutes later.
func (t *SpoolTx) tellWait(account string, rec *Record, last int) error {
	if last < rec.Today.Number+2 || last <= rec.ToldDay || t.Wall.Sub(rec.Told) < tellAgain && !t.Wall.Before(rec.Told) {
		return nil
	}
	return t.tellOfQueue(news.Item{Kind: news.Waits, Account: account, Due: t.Wall.Add(tellAfter)})
}

// replan plans some more of what waits for the account's cap.
func (t *SpoolTx) replan(c chores.Chore) (more bool, err error) {
	rec, _, err := t.record(c.Account)
	if err != nil {
		return false, err
	}
	t.Touch()
	prefix := room.Pair(c.Account, "")
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
func (t *SpoolTx) replanAt(id spooled.ID, domain string) error {
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
func (s *Spool) replanIfChanged(how *Strangers) error {
	is := fmt.Sprintf("%d %s", how.Cap, how.Way)
	same := false
	err := s.view(func(t *SpoolTx) error { same = string(t.Get(bucket.Meta, keyStrangers)) == is; return nil })
	if err != nil || same {
		return err
	}
	return s.update(0, func(t *SpoolTx) error {
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
