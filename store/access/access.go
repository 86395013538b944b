// Package access keeps from where logins are used, tells of it, and finds logins that look stolen. It knows
// no messages: the caller says how many recipients a login writes to, and holds the mail of a login that
// is held.
//
//   - Bucket "access" has the networks and addresses that each login was used from, within a year, and
//     what it has sent while it is watched.
//   - A hold lies in the login itself, in the bucket "credentials" of package people, which also takes
//     away what the room has of a login that is revoked.
//   - Of bucket "told" the room has the mark of the last day whose uses an account was told.
//
// What becomes of the use of a login:
//
//  1. Enter notes the first use from a network, in a transaction of its own: the network, the news of
//     it, and whether the login is watched from now on. The listener waits for it before it says 235,
//     so no crash loses a notice.
//  2. Keep adds further uses, of many logins in a transaction, once a minute. A crash loses the
//     counts of that minute, and nothing else.
//  3. The transaction that accepts a message of a watched login counts it (Suspect). Too much of it
//     holds the login, with the news of that, in the same transaction.
//  4. The daily look tells an account of the last days (TellDaily): the news and the mark are one
//     transaction, so each day is told once.
//  5. Hold and Resume are for people, in a transaction of the store, which holds and releases the
//     login's mail in it.
//
// The places of package people are what bans go by: addresses of the last 30 days. Owners are told of
// networks, for a year.
package access

import (
	"sync/atomic"
	"time"

	"relay/store/bucket"
	"relay/store/news"
	"relay/store/people"
	"relay/store/room"
)

// Options of the room.
type Options struct {
	Zone  *time.Location // the operator's, in which days turn
	Theft Theft          // see SetTheft

	// Wants reports whether an account is told about a topic.
	Wants func(t *room.Tx, account string, topic news.Topic) (bool, error)
	// Busiest is how many e-mails an account sent on its busiest day in five weeks, today included.
	Busiest func(t *room.Tx, account string) (int64, error)
}

// Access is from where the logins of all accounts are used. Its methods may be called from any
// goroutine.
type Access struct {
	db     *room.DB
	people *people.People
	news   *news.News
	o      Options
	theft  atomic.Pointer[Theft]
}

// New keeps it in a store, beside the logins and the news of that store.
func New(db *room.DB, p *people.People, n *news.News, o Options) *Access {
	a := &Access{db: db, people: p, news: n, o: o}
	a.SetTheft(o.Theft)
	return a
}

// Uses of a login; the zero value is that of one that was not used.
func (a *Access) Uses(login string) (is Uses, err error) {
	err = a.db.View(func(t room.Tx) error {
		u, err := a.UsesIn(&t, login)
		if err == nil {
			is = *u
		}
		return err
	})
	return is, err
}

// UsesIn are the uses of a login within a transaction. If none was counted yet they start from the
// login's places, so that nobody is told of networks that were known before.
func (a *Access) UsesIn(t *room.Tx, login string) (*Uses, error) {
	is := &Uses{}
	found, err := t.Read(bucket.AccessOf, []byte(login), is)
	if err != nil || found {
		return is, err
	}
	var at []people.Place
	if _, err := t.Read(bucket.Places, []byte(login), &at); err != nil {
		return nil, err
	}
	for _, p := range at {
		n := is.add(&Use{From: p.Network, Last: p.Last}, a.o.Zone)
		if n != nil {
			n.First = time.Time{}
		}
	}
	return is, nil
}

func put(t *room.Tx, login string, is *Uses) error {
	return t.Write(bucket.AccessOf, []byte(login), is)
}
