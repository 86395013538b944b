package spool

import (
	"errors"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"relay/store/bodies"
	"relay/store/bucket"
	"relay/store/chores"
	"relay/store/delivered"
	"relay/store/egress"
	"relay/store/envelope"
	"relay/store/mailreply"
	"relay/store/news"
	"relay/store/outcomes"
	"relay/store/quiet"
	"relay/store/refusals"
	"relay/store/room"
	"relay/store/signing"
	"relay/store/sites"
	"relay/store/spooled"
	"relay/store/strangers"
	"relay/store/trace"
)

// Rooms are those that the spool enters outcomes in, and that it asks.
type Rooms struct {
	Trace     *trace.Trace
	Sites     *sites.Sites
	Egress    *egress.Egress
	Signing   *signing.Signing
	Refusals  *refusals.Refusals
	Bodies    *bodies.Bodies
	Outcomes  *outcomes.Outcomes
	Delivered *delivered.Index
	Strangers *strangers.Strangers
	News      *news.News
	Envelopes *envelope.Envelopes
}

// Options of the room.
type Options struct {
	Zone  *time.Location // the operator's, in which days turn
	Log   *slog.Logger
	Quiet *quiet.Log
	IDs   *spooled.IDs

	// Customer looks an account up. It fails with room.ErrNotFound for one that is gone.
	Customer func(t *room.Tx, account string) (Customer, error)
	// Speaks is told of each outcome, and counts it if it speaks against the account. was is what the
	// recipient's last reply meant.
	Speaks func(t *Tx, m *spooled.Message, r *Result, o *Outcome, was mailreply.Verdict) error
}

// Customer is what the spool must know of an account.
type Customer interface {
	// Owns reports whether an address is certainly the customer's own.
	Owns(address string) bool
	// Delivery names the account's own profile of pace, and the pool of sources that its mail leaves
	// from; "": as configured.
	Delivery() (profile, pool string)
}

// Spool is the mail that waits, of all accounts. Its methods may be called from any goroutine.
type Spool struct {
	Rooms
	Chores *chores.Chores // what is left to be done for accounts' mail

	db *room.DB
	o  Options

	ready      ready
	complaints chan Complaint // see Complaints
	dsns       atomic.Pointer[DSNs]
	stops      atomic.Pointer[stops]     // see stop.go
	mailHolds  atomic.Pointer[mailHolds] // see held_mail.go
}

// New keeps it in a store, whose engine must run Flush.
func New(db *room.DB, rooms Rooms, o Options) *Spool {
	s := &Spool{Rooms: rooms, db: db, o: o, ready: ready{signal: make(chan struct{}, 1)}, complaints: make(chan Complaint, complaintsKept)}
	s.Chores = chores.New(db, s.doers())
	s.SetDSNs(DSNs{Build: func(*spooled.Message, bool, io.Reader) (Notice, bool) { return Notice{}, false }})
	return s
}

// Tx is a transaction on the spool.
type Tx struct {
	room.Tx
	s *Spool

	then *aftermath // of UpdateThen and GrowThen; nil: the transaction may not remove messages or queue mail
}

// customer looks an account up.
func (t *Tx) customer(account string) (Customer, error) { return t.s.o.Customer(&t.Tx, account) }

// In makes a transaction one on the spool. In it mail can neither be queued nor removed, see UpdateThen.
func (s *Spool) In(t room.Tx) *Tx { return &Tx{Tx: t, s: s} }

func (s *Spool) view(fn func(*Tx) error) error {
	return s.db.View(func(t room.Tx) error { return fn(s.In(t)) })
}

func (s *Spool) update(weight int, fn func(*Tx) error) error {
	return s.db.Update(weight, func(t room.Tx) error { return fn(s.In(t)) })
}

// aftermath is what is left to do when a transaction is on disk.
type aftermath struct {
	gone  []spooled.ID   // long bodies, to be removed in the background
	lanes []spooled.Lane // that got mail due at once
	sent  []DSNResult    // DSNs, to be logged
}

// UpdateThen runs a transaction that may remove messages or queue mail.
func (s *Spool) UpdateThen(weight int, fn func(*Tx) error) error {
	return s.andThen(s.db.Update, weight, fn)
}

// GrowThen is UpdateThen for what may not take the disk's last room.
func (s *Spool) GrowThen(weight int, fn func(*Tx) error) error {
	return s.andThen(s.db.Grow, weight, fn)
}

// andThen runs a transaction, and does what is left to do when it is on disk.
func (s *Spool) andThen(do func(int, func(room.Tx) error) error, weight int, fn func(*Tx) error) error {
	var then aftermath
	err := do(weight, func(e room.Tx) error {
		then = aftermath{}
		t := s.In(e)
		t.then = &then
		return fn(t)
	})
	if err != nil {
		return err
	}
	s.Bodies.Gone(then.gone)
	s.ready.announce(then.lanes...)
	return nil
}

// Load takes into memory what each message asks for: stops and windows of held logins. It also counts,
// once, what an earlier relay did not count.
func (s *Spool) Load(readOnly bool) error {
	return errors.Join(s.countAges(readOnly), s.loadStops(), s.loadHolds())
}

// Forget removes what the spool has of an account that is removed and has no mail left.
func (t *Tx) Forget(account string) error {
	return errors.Join(t.deleteHolds(account), t.deleteStop(account), t.Delete(bucket.DsnHours, []byte(account)))
}

// Customer looks an account up, in a transaction of its own.
func (s *Spool) Customer(account string) (c Customer, err error) {
	err = s.view(func(t *Tx) error { c, err = t.customer(account); return err })
	return c, err
}

// Zone is the operator's time zone.
func (s *Spool) Zone() *time.Location { return s.o.Zone }

// Now is the instant of the wall clock, which the queue goes by.
func (s *Spool) Now() time.Time { return s.db.Wall() }

// Past is an instant that is surely past. Mail is given up by it, so that a clock that is months ahead
// ends none.
func (s *Spool) Past() time.Time { return s.db.Past() }

// Failed is closed when the disk failed in a way that forbids going on: nothing is stored any more.
func (s *Spool) Failed() <-chan struct{} { return s.db.Engine().Failed() }

// Err says why, once Failed is closed.
func (s *Spool) Err() error { return s.db.Engine().Err() }
