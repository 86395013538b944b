// Package returns takes what comes back of mail that was delivered: bounces and complaints are counted
// (Record), mail to a reverse-path is passed on to the customer (PassOn), and an abuse desk gets an answer
// (AnswerDesk). Each has its steps beside it, and what a crash leaves.
//
// Of a report it is first found out which e-mail it is about (find.go), in the index of what was sent and
// in the trace; then one transaction marks it as counted (mark.go) and counts it (apply.go).
package returns

import (
	"log/slog"
	"time"

	"relay/store/abuse"
	"relay/store/books"
	"relay/store/delivered"
	"relay/store/meter"
	"relay/store/news"
	"relay/store/outcomes"
	"relay/store/quiet"
	"relay/store/refusals"
	"relay/store/room"
	"relay/store/spool"
	"relay/store/strangers"
	"relay/store/trace"
)

// Returns takes what comes back of the mail of a store. Its methods may be called from any goroutine.
type Returns struct {
	Rooms
	db *room.DB
	o  Options

	counts meter.Table[returnCount]
	passes passes
}

// Rooms are where mail is found that came back, and what is noted of it.
type Rooms struct {
	Spool     *spool.Spool
	Books     *books.Books
	Abuse     *abuse.Abuse
	Delivered *delivered.Index
	Trace     *trace.Trace
	Outcomes  *outcomes.Outcomes
	Refusals  *refusals.Refusals
	Strangers *strangers.Strangers
	News      *news.News
}

// Options of returns.
type Options struct {
	Zone  *time.Location // the operator's
	Log   *slog.Logger
	Quiet *quiet.Log // what may come very often
}

// New makes Returns over these rooms.
func New(db *room.DB, r Rooms, o Options) *Returns {
	return &Returns{Rooms: r, db: db, o: o}
}

// tx is one transaction on the spool and what it brings back.
type tx struct {
	*queueTx
	s *Returns
}

// queueTx is the transaction on the spool. The name keeps room.Tx in reach as tx.Tx.
type queueTx = spool.Tx

func (s *Returns) in(t room.Tx) *tx { return &tx{s.Spool.In(t), s} }

func (s *Returns) view(fn func(*tx) error) error {
	return s.db.View(func(t room.Tx) error { return fn(s.in(t)) })
}

func (s *Returns) update(weight int, fn func(*tx) error) error {
	return s.db.Update(weight, func(t room.Tx) error { return fn(s.in(t)) })
}

// growThen is an update that may queue mail, and may not take the disk's last room.
func (s *Returns) growThen(weight int, fn func(*tx) error) error {
	return s.Spool.GrowThen(weight, func(t *spool.Tx) error { return fn(&tx{t, s}) })
}
