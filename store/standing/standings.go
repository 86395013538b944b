// Package standing tells where accounts stand: what they used and what is left, whether they may send, and
// what there is to tell of it.
//
//  1. Before a message is taken, PermitIn decides, and Charge counts what it allowed, in the transaction
//     that stores the message: a crash leaves it stored and charged, or neither.
//  2. Periods that are over count as closed, whether or not the job that closes them has run: the close
//     is worked out in memory, and written by the first message after it (Charge).
//  3. What the limit does to mail is news at once (TellCrossed, TellRefused); steps of use are found by a daily
//     look (LookAtUse), which notes in bucket "told" what it told.
//
// Usage joins what the books charged with what became of that mail (package outcomes): neither side reads
// the other's record. How many e-mails are queued is stored nowhere.
package standing

import (
	"time"

	"relay/store/access"
	"relay/store/books"
	"relay/store/news"
	"relay/store/orders"
	"relay/store/outcomes"
	"relay/store/people"
	"relay/store/room"
)

// Standings tells where the accounts of a store stand. Its methods may be called from any goroutine.
type Standings struct {
	db   *room.DB
	zone *time.Location
	r    Rooms

	limits limitRefusals
}

// Rooms are what a standing is read from, and where its news goes.
type Rooms struct {
	Books    *books.Books
	Orders   *orders.Orders
	People   *people.People
	Access   *access.Access
	Outcomes *outcomes.Outcomes
	News     *news.News
}

// New tells where the accounts of these rooms stand.
func New(db *room.DB, zone *time.Location, r Rooms) *Standings {
	return &Standings{db: db, zone: zone, r: r}
}

func (s *Standings) view(fn func(*room.Tx) error) error {
	return s.db.View(func(t room.Tx) error { return fn(&t) })
}

func (s *Standings) update(weight int, fn func(*room.Tx) error) error {
	return s.db.Update(weight, func(t room.Tx) error { return fn(&t) })
}
