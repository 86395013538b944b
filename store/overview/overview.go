// Package overview reads what people ask of an account: the report on a period, the statement of its
// ledger, the glance of the operator's digest. It writes nothing. Each is read in one transaction, so its
// figures agree with each other; a close that is due counts as done.
package overview

import (
	"time"

	"relay/store/abuse"
	"relay/store/access"
	"relay/store/books"
	"relay/store/orders"
	"relay/store/outcomes"
	"relay/store/refusals"
	"relay/store/remark"
	"relay/store/room"
	"relay/store/standing"
)

// Overview reads the accounts of a store. Its methods may be called from any goroutine.
type Overview struct {
	db   *room.DB
	zone *time.Location
	r    Rooms
}

// Rooms are what is read.
type Rooms struct {
	Books     *books.Books
	Orders    *orders.Orders
	Standings *standing.Standings
	Access    *access.Access
	Outcomes  *outcomes.Outcomes
	Refusals  *refusals.Refusals
	Remarks   *remark.Remarks
	Abuse     *abuse.Abuse
}

// New makes an Overview of the accounts in these rooms.
func New(db *room.DB, zone *time.Location, r Rooms) *Overview {
	return &Overview{db: db, zone: zone, r: r}
}

func (s *Overview) view(fn func(*room.Tx) error) error {
	return s.db.View(func(t room.Tx) error { return fn(&t) })
}
