package store

import (
	"cmp"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"relay/store/abuse"
	"relay/store/access"
	"relay/store/bodies"
	"relay/store/bolt"
	"relay/store/bookclock"
	"relay/store/books"
	"relay/store/bucket"
	"relay/store/chores"
	"relay/store/delivered"
	"relay/store/egress"
	"relay/store/engine"
	"relay/store/envelope"
	"relay/store/joblog"
	"relay/store/known"
	"relay/store/ledger"
	"relay/store/news"
	"relay/store/orders"
	"relay/store/outcomes"
	"relay/store/overview"
	"relay/store/people"
	"relay/store/quiet"
	"relay/store/refusals"
	"relay/store/remark"
	"relay/store/returns"
	"relay/store/room"
	"relay/store/signing"
	"relay/store/signs"
	"relay/store/sites"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/standing"
	"relay/store/strangers"
	"relay/store/trace"
)

// Errors for errors.Is. A look-up by name fails with ErrNotFound where there is none, and adding a name
// that is there with ErrExists.
var (
	ErrNotFound = room.ErrNotFound
	ErrExists   = room.ErrExists
	ErrBusy     = errors.New("still has mail in the queue")
	ErrInUse    = people.ErrInUse
	ErrNewer    = errors.New("the store was written by a newer relay")
	ErrFull     = engine.ErrFull   // the disk is full: nothing was stored or charged
	ErrLocked   = engine.ErrLocked // another process has the store
	ErrOlder    = engine.ErrOlder  // Options.ReadOnly, and an upgrade would have to write
)

// Options of a store.
type Options struct {
	Now        func() time.Time // wall clock; nil: time.Now
	Kept       func() bool      // whether something keeps the system's clock right; nil: the wall clock is believed
	TrustClock bool             // Kept is not asked until TrustClock(false)

	Zone    *time.Location // the operator's, in which months turn; nil: UTC
	Log     *slog.Logger   // nil: slog.Default()
	Reserve int64          // octets of disk kept free of new mail; 0: 32 MiB
	Shared  int64          // octets of free disk above Reserve, below which the account with most in the queue is refused first; 0: 1 GB
	Free    func() int64   // octets that the disk has free; nil: what its file system says
	Memory  int64          // octets of bodies in memory, beyond which they are staged early; 0: 128 MiB
	Billing ledger.Billing // who invoices, and how; see SetBilling

	Look func(time.Time) time.Time // see SetLook

	Abuse *signs.Rules // see SetAbuse; nil: signs are counted only
	Theft access.Theft // when a login is taken for stolen; zero: none is

	// Print puts the lines of an invoice, and the cause of a credit note, into words before
	// it is stored; nil: the figures are printed as they are.
	Print func(*ledger.Invoice)

	HighWater string // file that has the highest number of an invoice, beside the store; "": there is none

	ReadOnly bool // the file is not changed, and several processes may read it

	// Driver opens another engine in the file's place, with the names of its buckets; nil: bolt.
	Driver func(path string, buckets []string) (engine.Driver, error)
}

// Store is an open store. Its methods may be called from any goroutine.
type Store struct {
	Books     *books.Books        // accounts, plans, what was charged, invoiced and paid
	Orders    *orders.Orders      // what changes them
	Standings *standing.Standings // where accounts stand, and what they may send
	Overview  *overview.Overview  // of accounts, for people

	People *people.People // who may use relay
	Access *access.Access // from where their logins are used

	Spool    *spool.Spool       // the mail that waits
	Bodies   *bodies.Bodies     // its content
	Signing  *signing.Signing   // what it is signed with
	Trace    *trace.Trace       // what happened to messages
	Outcomes *outcomes.Outcomes // what became of accounts' mail
	Refusals *refusals.Refusals // what recipients have refused
	Chores   *chores.Chores     // what is left to be done for accounts

	Sites  *sites.Sites   // what is known of where mail goes
	Egress *egress.Egress // how it leaves

	Known     *known.Recipients    // that accounts wrote to
	Strangers *strangers.Strangers // recipients that accounts never wrote to, and how many they may reach

	Delivered *delivered.Index // what was sent, and the tokens of reverse-paths
	Returns   *returns.Returns // what comes back
	Abuse     *abuse.Abuse     // what speaks against accounts, and what follows
	Remarks   *remark.Remarks  // mail that receivers will hold against its sender

	News *news.News   // what is to be told
	Jobs *joblog.Jobs // what the scheduled jobs have done

	path string
	db   *room.DB
	file *bolt.File // below db; nil: another driver is

	clock    *bookclock.Clock
	noted    lastNote
	zone     *time.Location
	log      *slog.Logger
	quiet    *quiet.Log
	ids      spooled.IDs
	probe    probe // whether the writer works
	storable probe // whether it could take mail

	look atomic.Pointer[func(time.Time) time.Time] // see SetLook

	once sync.Once
}

// Open opens the file at path or creates it, with the built-in plans. It fails
// with ErrLocked when another process has it and with ErrNewer when its schema
// is newer than this program. With ReadOnly there must be a file, and ErrOlder says
// that it has to be opened for writing once.
func Open(path string, o Options) (*Store, error) {
	s := &Store{path: path, zone: o.Zone, log: o.Log}
	s.setUp(&o)
	driver, err := s.drive(&o)
	if err != nil {
		return nil, err
	}
	flush := []func(*engine.Tx) error{s.noteTime, s.flushRooms, delivered.Flush, sites.Flush, signing.Flush, refusals.Flush}
	s.db = room.NewDB(engine.New(driver, engine.Options{Flush: flush, Log: s.log, ReadOnly: o.ReadOnly}),
		func() (wall, books time.Time) { return s.clock.Now() })
	s.furnish(&o)
	if err := s.startClock(&o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.migrate(o.ReadOnly); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.load(&o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if !o.ReadOnly {
		err = errors.Join(s.Books.FollowNumbers(), s.Bodies.SweepOrphans(), s.Spool.ReleaseClaims())
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// load takes into memory what is asked for all the time, and counts once what an earlier relay did not
// count.
func (s *Store) load(o *Options) error {
	return errors.Join(s.Spool.Load(o.ReadOnly), s.countWaiting(o.ReadOnly), s.Books.Load(o.Billing, o.ReadOnly),
		s.People.LoadNetworks(), s.Signing.LoadSigners(), s.Known.LoadKey(), s.Delivered.Load(o.ReadOnly))
}

// furnish makes the rooms, each after those that it stands on.
func (s *Store) furnish(o *Options) {
	s.Books = books.New(s.db, books.Options{Zone: s.zone, Log: s.log, Billing: o.Billing, Print: o.Print, Path: s.path, HighWater: o.HighWater})
	s.Orders = orders.New(s.db, s.zone, s.Books, s.ordered)
	s.People = people.New(s.db)
	s.News = news.New(s.db)
	s.Jobs = joblog.New(s.db, s.News)
	s.Remarks = remark.New(s.db)
	s.Access = access.New(s.db, s.People, s.News, access.Options{Zone: s.zone, Theft: o.Theft, Wants: s.wants, Busiest: s.busiestDay})
	s.furnishMail(o)
	s.furnishAccounts(o)
}

// furnishMail makes the spool, and what it stands on.
func (s *Store) furnishMail(o *Options) {
	s.Sites, s.Egress = sites.New(s.db), egress.New(s.db)
	s.Signing = signing.New(s.db, signing.Options{Zone: s.zone, Owner: ownerOf, Service: s.asksService, Lost: s.tellLost})
	s.Trace = trace.New(s.db, joblog.Done)
	s.Delivered = delivered.New(s.db, delivered.Options{Past: s.Past, Log: s.quiet})
	s.Refusals = refusals.New(s.db, refusals.Options{Done: joblog.Done})
	s.Outcomes = outcomes.New(s.db, outcomes.Options{Zone: s.zone})
	s.Known = known.New(s.db, known.Options{Zone: s.zone})
	s.Bodies = bodies.New(s.db, bodies.Options{Shared: cmp.Or(o.Shared, 1_000_000_000), Memory: cmp.Or(o.Memory, 128<<20), IDs: &s.ids,
		MaySign: s.Signing.MaySign, Held: s.Outcomes.Stored, Length: s.lengthOf, Log: s.quiet})
	s.Strangers = strangers.New(s.db, strangers.Options{Zone: s.zone, Known: s.Known, Refusals: s.Refusals, Outcomes: s.Outcomes,
		Customer: func(t *room.Tx, account string) (strangers.Customer, error) { return s.Books.AccountIn(t, account) },
		Tell:     func(t *room.Tx, n news.Item) error { return s.Spool.In(*t).TellOfQueue(n) }})
	s.Spool = spool.New(s.db, spool.Rooms{Trace: s.Trace, Sites: s.Sites, Egress: s.Egress, Signing: s.Signing, Refusals: s.Refusals,
		Bodies: s.Bodies, Outcomes: s.Outcomes, Delivered: s.Delivered, Strangers: s.Strangers, News: s.News, Envelopes: envelope.New()},
		spool.Options{Zone: s.zone, Log: s.log, Quiet: s.quiet, IDs: &s.ids, Customer: s.customer, Speaks: s.speaks})
	s.Chores = s.Spool.Chores
}

// furnishAccounts makes the rooms in which books and mail meet.
func (s *Store) furnishAccounts(o *Options) {
	s.Standings = standing.New(s.db, s.zone, standing.Rooms{Books: s.Books, Orders: s.Orders, People: s.People, Access: s.Access,
		Outcomes: s.Outcomes, News: s.News})
	s.Abuse = abuse.New(s.db, s.zone, abuse.Rooms{Books: s.Books, Orders: s.Orders, Outcomes: s.Outcomes, Strangers: s.Strangers,
		News: s.News}, o.Abuse)
	s.Returns = returns.New(s.db, returns.Rooms{Spool: s.Spool, Books: s.Books, Abuse: s.Abuse, Delivered: s.Delivered, Trace: s.Trace,
		Outcomes: s.Outcomes, Refusals: s.Refusals, Strangers: s.Strangers, News: s.News},
		returns.Options{Zone: s.zone, Log: s.log, Quiet: s.quiet})
	s.Overview = overview.New(s.db, s.zone, overview.Rooms{Books: s.Books, Orders: s.Orders, Standings: s.Standings, Access: s.Access,
		Outcomes: s.Outcomes, Refusals: s.Refusals, Remarks: s.Remarks, Abuse: s.Abuse})
}

// customer looks an account up for the spool.
func (s *Store) customer(t *room.Tx, account string) (spool.Customer, error) {
	a, err := s.Books.AccountIn(t, account)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// busiestDay asks Standings, which are made after Access.
func (s *Store) busiestDay(t *room.Tx, account string) (int64, error) {
	return s.Standings.BusiestDay(t, account)
}

// flushRooms writes what rooms have collected. They are made after the engine, so it looks them
// up when it runs.
func (s *Store) flushRooms(b *engine.Tx) error {
	return errors.Join(s.Books.Flush(b), s.Spool.Flush(b), s.Strangers.Flush(b), s.Outcomes.Flush(b))
}

// ownerOf names the owner of an account's domains: the account, or its customer.
func ownerOf(t *room.Tx, account string) (string, error) {
	a, err := room.Load[books.Account](t, bucket.Accounts, account)
	if err != nil || a.Owner == "" {
		return "account " + account, err
	}
	c, err := people.CustomerIn(t, a.Owner)
	return "customer " + a.Owner + c.Created.UTC().Format(time.RFC3339Nano), err // an earlier one may have had the name
}

// wants reports whether an account is told about a topic.
func (s *Store) wants(t *room.Tx, account string, topic news.Topic) (bool, error) {
	a, err := s.Books.AccountIn(t, account)
	return err == nil && a.Wants(topic), err
}

// asksService reports whether an account asks for a signature of the operator's domain.
func (s *Store) asksService(t *room.Tx, account string) bool {
	a, err := s.Books.AccountIn(t, account)
	return err == nil && a.ServiceSignature
}

// tellLost stores the news that a domain has lost something.
func (s *Store) tellLost(t *room.Tx, account, domain, what string) error {
	return s.News.Add(t, news.Item{Kind: news.Domain, Account: account, About: domain, Reason: what})
}

// lengthOf is how many octets the body of a message has; -1: there is no such message.
func (s *Store) lengthOf(t *room.Tx, id spooled.ID) (int64, error) {
	m, err := s.Spool.In(*t).Message(id)
	if err != nil || m == nil {
		return -1, err
	}
	return m.Stored, nil
}

// drive opens the engine's driver.
func (s *Store) drive(o *Options) (engine.Driver, error) {
	if o.Driver != nil {
		return o.Driver(s.path, bucket.Names)
	}
	file, err := bolt.Open(s.path, bolt.Options{
		Buckets:   bucket.Names,
		Appending: []engine.Bucket{bucket.Messages, bucket.Bodies, bucket.Trace, bucket.Invoices, bucket.SentOpen, bucket.SentRuns},
		Reserve:   o.Reserve,
		Free:      o.Free,
		ReadOnly:  o.ReadOnly,
	})
	if err != nil {
		return nil, err
	}
	s.file = file
	return file, nil
}

// setUp takes over the options, and fills in defaults.
func (s *Store) setUp(o *Options) {
	if s.zone == nil {
		s.zone = time.UTC
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if o.Print == nil {
		o.Print = ledger.PrintPlainly
	}
	s.quiet = quiet.New(s.log)
	if o.Look != nil {
		s.SetLook(o.Look)
	}
}

// Close stops the store. Transactions that were handed over are written first.
func (s *Store) Close() error {
	s.once.Do(s.db.Stop)
	s.Bodies.Wait()
	s.Delivered.Close()
	return s.db.Engine().Close()
}

// Failed is closed when the disk failed in a way that forbids going on: nothing
// is acknowledged any more, and the process must stop and start again.
func (s *Store) Failed() <-chan struct{} { return s.db.Engine().Failed() }

// Err says why, once Failed is closed.
func (s *Store) Err() error { return s.db.Engine().Err() }

// Zone is the operator's time zone, in which months turn.
func (s *Store) Zone() *time.Location { return s.zone }

// Size is the file's length and how much of it is free for use, in octets.
func (s *Store) Size() (file, free int64) { return s.db.Engine().Size() }

// Meters are what the file counts of its commits since Open.
func (s *Store) Meters() engine.Meters { return s.db.Engine().Meters() }

// Commits counts transactions since Open, and those that had to run again because one of their requests
// failed after it had written.
func (s *Store) Commits() (written, reruns int64) { return s.db.Engine().Commits() }

// tx is one transaction on the whole store, at one instant.
type tx struct {
	*spoolTx
	s *Store
}

// spoolTx is the transaction on the spool. The name keeps room.Tx in reach as tx.Tx.
type spoolTx = spool.Tx

func (s *Store) in(t room.Tx) *tx { return s.on(s.Spool.In(t)) }

func (s *Store) on(t *spool.Tx) *tx { return &tx{spoolTx: t, s: s} }

func (s *Store) tx(e *engine.Tx) *tx { return s.in(s.db.Tx(e)) }

func (s *Store) view(fn func(*tx) error) error {
	return s.db.View(func(t room.Tx) error { return fn(s.in(t)) })
}

func (s *Store) update(weight int, fn func(*tx) error) error {
	return s.db.Update(weight, func(t room.Tx) error { return fn(s.in(t)) })
}

// carry runs an order: a dry run only reads.
func (s *Store) carry(dryRun bool, fn func(*tx) error) error {
	return s.db.Carry(dryRun, func(t room.Tx) error { return fn(s.in(t)) })
}

func (s *Store) grow(weight int, fn func(*tx) error) error {
	return s.db.Grow(weight, func(t room.Tx) error { return fn(s.in(t)) })
}

// growThen is grow for what queues mail.
func (s *Store) growThen(weight int, fn func(*tx) error) error {
	return s.Spool.GrowThen(weight, func(t *spool.Tx) error { return fn(s.on(t)) })
}
