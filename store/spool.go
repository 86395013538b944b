package store

import (
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"relay/store/bodies"
	"relay/store/delivered"
	"relay/store/egress"
	"relay/store/envelope"
	"relay/store/known"
	"relay/store/mailreply"
	"relay/store/news"
	"relay/store/outcomes"
	"relay/store/quiet"
	"relay/store/refusals"
	"relay/store/room"
	"relay/store/signing"
	"relay/store/sites"
	"relay/store/spooled"
	"relay/store/trace"
)

// Rooms are what the spool enters outcomes in, and what it asks, beside its own records.
type Rooms struct {
	Trace     *trace.Trace
	Sites     *sites.Sites
	Egress    *egress.Egress
	Signing   *signing.Signing
	Refusals  *refusals.Refusals
	Bodies    *bodies.Bodies
	Outcomes  *outcomes.Outcomes
	Delivered *delivered.Index
	Known     *known.Recipients
	News      *news.News
}

// SpoolOptions of the room.
type SpoolOptions struct {
	Zone  *time.Location // the operator's, in which days turn
	Log   *slog.Logger
	Quiet *quiet.Log
	IDs   *spooled.IDs

	// Customer is what the spool must know of an account. It fails with room.ErrNotFound for one
	// that is gone.
	Customer func(t *room.Tx, account string) (Customer, error)
	// Speaks counts an outcome that speaks against the account. was is what the recipient's last
	// reply meant.
	Speaks func(t *SpoolTx, m *spooled.Message, r *Result, o *Outcome, was mailreply.Verdict) error
}

// Customer is an account, as far as the spool must know it.
type Customer interface {
	// Owns reports whether an address is certainly the customer's own.
	Owns(address string) bool
	// FirstSendings a day; 0: as the operator says, NoCap: any number.
	FirstSendings() int
	// Includes is how many e-mails the plan of then includes; 0: any number.
	Includes(now time.Time) int64
	// Activated is when the account became active; zero: it has not.
	Activated() time.Time
}

// Spool is the mail that waits, of all accounts. Its methods may be called from any goroutine.
type Spool struct {
	Rooms
	db *room.DB
	o  SpoolOptions

	envelopes *envelope.Envelopes
	ready     ready
	dsns      atomic.Pointer[DSNs]
	stops     atomic.Pointer[stops] // see stop.go
	strangers atomic.Pointer[Strangers]
	mailHolds atomic.Pointer[map[string]*mailHold] // by login
	knownKey  atomic.Pointer[[16]byte]             // of the hashes of known recipients; nil: there is none
}

// NewSpool keeps it in a store, whose engine must run Flush.
func NewSpool(db *room.DB, rooms Rooms, o SpoolOptions) *Spool {
	s := &Spool{Rooms: rooms, db: db, o: o, envelopes: envelope.New(), ready: ready{signal: make(chan struct{}, 1)}}
	s.SetDSNs(DSNs{Build: func(*spooled.Message, bool, io.Reader) (Notice, bool) { return Notice{}, false }})
	return s
}

// SpoolTx is a transaction on the spool.
type SpoolTx struct {
	room.Tx
	s *Spool

	then *aftermath // of a transaction that may remove messages; see UpdateThen
}

// customer is an account as the spool knows it.
func (t *SpoolTx) customer(account string) (Customer, error) { return t.s.o.Customer(&t.Tx, account) }

func (s *Spool) in(t room.Tx) *SpoolTx { return &SpoolTx{Tx: t, s: s} }

func (s *Spool) view(fn func(*SpoolTx) error) error {
	return s.db.View(func(t room.Tx) error { return fn(s.in(t)) })
}

func (s *Spool) update(weight int, fn func(*SpoolTx) error) error {
	return s.db.Update(weight, func(t room.Tx) error { return fn(s.in(t)) })
}

// aftermath is what is left to do when a transaction is on disk.
type aftermath struct {
	gone  []spooled.ID   // long bodies, to be removed in the background
	lanes []spooled.Lane // that got mail due at once
	sent  []DSNResult    // DSNs, to be logged
}

// updateThen is update for what may remove messages or queue mail.
func (s *Spool) updateThen(weight int, fn func(*SpoolTx) error) error {
	return s.andThen(s.db.Update, weight, fn)
}

// growThen is updateThen for what may not take the disk's last room.
func (s *Spool) growThen(weight int, fn func(*SpoolTx) error) error {
	return s.andThen(s.db.Grow, weight, fn)
}

func (s *Spool) andThen(do func(int, func(room.Tx) error) error, weight int, fn func(*SpoolTx) error) error {
	var then aftermath
	err := do(weight, func(e room.Tx) error {
		then = aftermath{}
		t := s.in(e)
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
