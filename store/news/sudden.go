package news

import (
	"errors"
	"strings"
	"time"

	"relay/store/bucket"
	"relay/store/room"
)

// News of states, limits and logins is told at once. A reseller could flood a stranger with it: it
// sets the stranger's address as the contact of its accounts, and suspends and resumes them, or
// moves their ceilings, in a loop. So an account gets mostSudden of such mails in
// a day, and an address mostSuddenTo from all accounts of one reseller or customer. Further
// news waits until the day is over. Then relay tells the state and the limit that hold by that
// time, once each. Accounts of others with the same address are told as usual.
const (
	mostSudden   = 20
	mostSuddenTo = 60
	suddenDay    = 24 * time.Hour
)

// Sudden reports whether a kind is told at once, and counted.
func (k Kind) Sudden() bool { return k.sudden() != "" }

// sudden groups the kinds that are told at once; "": it is not one of them.
func (k Kind) sudden() Topic {
	switch k {
	case Suspended, Resumed:
		return TopicStanding
	case Reached, Overage, Ceiling:
		return TopicLimit
	case LoginHeld:
		return TopicLogin
	case Access:
		return TopicAccess
	}
	return ""
}

// holdBack counts sudden news, and puts off news that comes too often. It takes the place of earlier
// news that still waits.
func holdBack(t *room.Tx, n *Item) error {
	if !n.Kind.Sudden() {
		return nil
	}
	until, err := replaceHeld(t, n)
	if err == nil && until.IsZero() {
		until, err = countSudden(t, room.Pair(n.Account, suddenMark), mostSudden)
	}
	if !until.IsZero() {
		n.Held, n.Due = true, until
	}
	return err
}

// replaceHeld drops what was held back and is overtaken by news, and returns until when it
// waited; zero: nothing did.
func replaceHeld(t *room.Tx, n *Item) (until time.Time, err error) {
	list, err := room.All[Item](t, bucket.NewsOf, room.Pair(n.Account, ""))
	for i := range list {
		if old := &list[i]; err == nil && old.Held && old.overtakenBy(n) {
			until, err = old.Due, drop(t, old)
		}
	}
	return until, err
}

// suddenMark is in the key of the marks that count sudden news: bucket "told", account NUL
// "sudden", or NUL "sudden" NUL reseller or customer NUL address. They have since when it
// counts, and how many there were.
const suddenMark = "sudden"

// countSudden counts one more. Beyond most of them it does not, and returns when the next may
// follow.
func countSudden(t *room.Tx, key []byte, most int) (until time.Time, err error) {
	m := toldMark{}
	if _, err := t.Read(bucket.ToldOf, key, &m); err != nil {
		return until, err
	}
	if m.suddenOver(t.Wall) {
		m = toldMark{At: t.Wall}
	}
	if m.Step >= most {
		return m.At.Add(suddenDay), nil
	}
	m.Step++
	return until, t.Write(bucket.ToldOf, key, m)
}

func (m *toldMark) suddenOver(now time.Time) bool {
	age := now.Sub(m.At)
	return age < 0 || age >= suddenDay
}

// HoldBack counts the mails of sudden news by their addresses, for the reseller or customer
// that has the account. Where one of the addresses got too many, it puts the news off and
// reports that.
func HoldBack(t *room.Tx, n *Item, owner string, addresses []string) (held bool, err error) {
	for _, address := range addresses {
		until, err := countSudden(t, suddenTo(owner, address), mostSuddenTo)
		if err != nil || !until.IsZero() {
			return true, errors.Join(err, putOffHeld(t, n, until))
		}
	}
	return false, nil
}

func suddenTo(owner, address string) []byte {
	return room.Pair("", suddenMark+"\x00"+owner+"\x00"+strings.ToLower(address))
}

// putOffHeld has news wait as holdBack does.
func putOffHeld(t *room.Tx, n *Item, until time.Time) error {
	is := *n
	is.Held, is.Due = true, until
	return errors.Join(drop(t, n), put(t, &is))
}

// Prune removes the counts by address of days that are over.
func (b *News) Prune() error {
	prefix := room.Pair("", suddenMark+"\x00")
	over := func(raw []byte) (bool, error) {
		m := toldMark{}
		err := room.Decode(bucket.ToldOf, prefix, raw, &m)
		return m.suddenOver(b.db.Wall()), err
	}
	_, err := room.Passing{In: bucket.ToldOf, Under: prefix, Ended: over}.Prune(b.db, nil)
	return err
}

// overtakenBy reports whether other news says what holds by now. Each login is its own matter.
func (n *Item) overtakenBy(o *Item) bool {
	return n.Kind.sudden() == o.Kind.sudden() && (n.Kind.sudden() != TopicLogin || n.About == o.About)
}
