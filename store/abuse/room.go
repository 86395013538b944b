// Package abuse judges accounts by what comes back of their mail, and may suspend them (M8):
//
//  1. the spool, and package returns for what comes later, call Observe for each recipient that
//     complains, does not exist, or is refused because of a blocklist that names the account;
//  2. Observe counts it in the account's record of signs, compares it with the mail of that
//     day and of the last seven, and warns, slows down or suspends;
//  3. both sides are told by news.
//
// All of it is in the transaction of the outcome that it follows from: a crash leaves all or
// nothing. An account without signs has no record, and costs nothing. Bucket
// "signs", key account, JSON, see signs.Record.
package abuse

import (
	"sync/atomic"
	"time"

	"relay/store/books"
	"relay/store/news"
	"relay/store/orders"
	"relay/store/outcomes"
	"relay/store/room"
	"relay/store/signs"
	"relay/store/strangers"
)

// Abuse keeps the signs against the accounts of a store. Its methods may be called from any goroutine.
type Abuse struct {
	db    *room.DB
	zone  *time.Location
	r     Rooms
	rules atomic.Pointer[signs.Rules] // see SetRules; nil: nothing is too much
}

// Rooms are what is asked about an account, and what follows for it.
type Rooms struct {
	Books     *books.Books
	Orders    *orders.Orders
	Outcomes  *outcomes.Outcomes
	Strangers *strangers.Strangers
	News      *news.News
}

// New judges by the rules; nil: signs are counted only.
func New(db *room.DB, zone *time.Location, r Rooms, rules *signs.Rules) *Abuse {
	s := &Abuse{db: db, zone: zone, r: r}
	s.rules.Store(rules)
	return s
}

func (s *Abuse) view(fn func(*room.Tx) error) error {
	return s.db.View(func(t room.Tx) error { return fn(&t) })
}
