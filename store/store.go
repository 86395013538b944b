package store

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"relay/quota"
	"relay/store/bolt"
	"relay/store/bookclock"
	"relay/store/quiet"
)

// Errors for errors.Is. What is looked up by name fails with ErrNotFound, what
// is added twice with ErrExists.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists already")
	ErrUsed     = errors.New("an earlier account had this name") // whose books would become another's
	ErrBusy     = errors.New("still has mail in the queue")
	ErrOwing    = errors.New("is not settled")
	ErrPending  = errors.New("is not active yet")
	ErrActive   = errors.New("is active already")
	ErrWaits    = errors.New("waits for a payment already")
	ErrInUse    = errors.New("is still in use")
	ErrCurrency = errors.New("it cannot go on in another currency") // than its first price had
	ErrClosed   = errors.New("is closed for good")
	ErrNewer    = errors.New("the store was written by a newer relay")
	ErrFull     = bolt.ErrFull   // the disk is full: nothing was stored or charged
	ErrLocked   = bolt.ErrLocked // another process has the store
	ErrOlder    = bolt.ErrOlder  // Options.ReadOnly, and an upgrade would have to write
)

// Buckets. Their order is not stored, their names are.
const (
	meta        bolt.Bucket = iota // "schema", "totals", "clock", "storable", "invoice", "prefix", "currency", "prices"
	accounts                       // name
	credentials                    // login
	networks                       // prefix
	plans                          // name
	usage                          // account NUL period
	messages                       // id
	bodies                         // id, chunk (4 octets, big endian)
	orphans                        // id of a body that has no message
	queue                          // lane, due (8), id: recipients that wait there (uvarint)
	due                            // due (8), lane: the head of each lane
	trace                          // id, microseconds (8), number (2)
	jobs                           // name
	ledger                         // account NUL number (8)
	invoices                       // number (8)
	payments                       // method NUL reference
	billed                         // account NUL number (8): its invoices
	billedTo                       // customer NUL number (8): the invoices of accounts that were its own then
	billedBelow                    // reseller NUL number (8): those of accounts that were below it then
	owed                           // account NUL number (8): the open ones
	dunning                        // when it suspends or, an order, expires (8), number (8)
	closing                        // period's end (8), account: its first open period
	customers                      // name
	resellers                      // name
	accountsOf                     // customer NUL account
	below                          // reseller NUL account
	loginsOf                       // account NUL login
	networksOf                     // account NUL prefix
	places                         // login
	claims                         // id, domain: a claim that is open, see claimState
	dsns                           // due (8), id of the message whose sender is to be told
	dsnHours                       // account: the DSNs of its open hour
	domains                        // account NUL domain that it signs for
	signingKeys                    // selector
	tlsPolicies                    // domain: its policy of MTA-STS
	tlsDays                        // day (YYYYMMDD), domain: how TLS went, see TLSDay
	paces                          // see PaceEntry
	heard                          // hash: a kind of reply, see ReplyKind
	heardOrder                     // number (8): hash
	remarks                        // account NUL day NUL kind NUL domain, see Remark
	records                        // account, see Record
	known                          // account NUL least hash: recipients that it wrote to
	waiting                        // account NUL id, domain: recipients that wait for the cap of first sendings
	chores                         // kind NUL account NUL provider, see chore
	overrides                      // number (8)
	suppressed                     // account NUL mailbox
	tallies                        // account NUL domain NUL provider NUL day
	dialogues                      // id, microseconds (8), domain
	strikesOf                      // account NUL mailbox: refusals that do not suppress it yet
	sources                        // name: see SourceState
	blocklists                     // name: see ListState
	newsOf                         // account NUL kind NUL about, see News
	newsDue                        // class (1), due (8), key in newsOf
	toldOf                         // account NUL kind [NUL about], see toldMark
	errorsOf                       // account NUL mailbox: see RefusedRecipient
	errorTimes                     // account NUL last (8), mailbox
	errorCounts                    // account: entries of its list of errors
	daysOf                         // account NUL day NUL period: see Day
)

var bucketNames = []string{"meta", "accounts", "credentials", "networks", "plans", "usage",
	"messages", "bodies", "orphans", "queue", "due", "trace", "jobs",
	"ledger", "invoices", "payments", "billed", "billed-to", "billed-below", "owed", "dunning", "closing", "customers", "resellers",
	"accounts-of", "below", "logins-of", "networks-of", "places", "claims", "dsns", "dsn-hours", "domains", "signing-keys", "tls-policies", "tls-days", "paces", "heard", "heard-order", "remarks",
	"records", "known", "waiting", "chores", "overrides", "suppressions", "tallies", "dialogues", "strikes", "sources", "blocklists",
	"news", "news-due", "told", "errors", "errors-by-time", "error-counts", "days"}

// Options of a store.
type Options struct {
	Now        func() time.Time // wall clock; nil: time.Now
	Kept       func() bool      // asks the system whether somebody keeps its clock; nil: the wall clock is believed
	TrustClock bool             // Kept is not asked until TrustClock(false)

	Zone    *time.Location // the operator's, in which months turn; nil: UTC
	Log     *slog.Logger   // nil: slog.Default()
	Reserve int64          // octets of disk kept free of new mail; 0: 32 MiB
	Shared  int64          // octets of free disk above them, below which who has most in the queue is refused first; 0: 1 GB
	Free    func() int64   // octets that the disk has free; nil: what its file system says
	Memory  int64          // octets of bodies in memory, beyond which they are staged early; 0: 128 MiB
	Billing Billing        // who invoices, and how; see SetBilling

	Look func(time.Time) time.Time // see SetLook

	// Print puts the lines of an invoice, and the cause of a credit note, into words before
	// it is stored; nil: the figures are printed as they are.
	Print func(*Invoice)

	HighWater string // file that has the highest number of an invoice, beside the store; "": there is none

	ReadOnly bool // the file is not changed in the least, nor can be; several may read it
}

// Store is an open store. Its methods may be called from any goroutine.
type Store struct {
	db *bolt.DB

	highWater string        // see Options
	highest   atomic.Uint64 // number that is known to be there
	clock     *bookclock.Clock
	noted     lastNote
	zone      *time.Location
	log       *slog.Logger
	quiet     *quiet.Log
	words     func(*Invoice) // see Options.Print
	netMu     sync.Mutex
	nets      atomic.Pointer[[]Network] // longest prefix first
	ready     ready
	feed      feed
	ids       idSource
	probe     probe // whether the writer works
	storable  probe // whether it could take mail

	billing atomic.Pointer[Billing]
	before  string // prefix of invoices without a Name, see keepPrefix
	dsns    atomic.Pointer[DSNs]

	strangers atomic.Pointer[Strangers]
	knownKey  atomic.Pointer[[16]byte]                  // of the hashes of known recipients; nil: there is none
	newsAdded chan struct{}                             // see NewsAdded
	look      atomic.Pointer[func(time.Time) time.Time] // see SetLook

	refusals refusals

	accounts decoded[Account]
	logins   decoded[Credential]
	sold     decoded[quota.Plan] // as plans are sold now

	staged staging // what bodies have on disk
	shared int64   // see Options
	memory memory  // what they have in memory
	sweep  sweeper // of what was given up
	closed chan struct{}
	once   sync.Once
}

// Open opens the file at path or creates it, with the built-in plans. It fails
// with ErrLocked when another process has it and with ErrNewer when its schema
// is newer than this program. With ReadOnly there must be a file, and ErrOlder says
// that it has to be opened for writing once.
func Open(path string, o Options) (*Store, error) {
	s := &Store{zone: o.Zone, log: o.Log, words: o.Print, highWater: o.HighWater, closed: make(chan struct{})}
	if s.zone == nil {
		s.zone = time.UTC
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.words == nil {
		s.words = printPlainly
	}
	s.shared, s.memory.most = cmp.Or(o.Shared, 1_000_000_000), cmp.Or(o.Memory, 128<<20)
	s.quiet = quiet.New(s.log)
	s.ready.signal, s.newsAdded = make(chan struct{}, 1), make(chan struct{}, 1)
	s.SetBilling(o.Billing)
	if o.Look != nil {
		s.SetLook(o.Look)
	}
	s.SetDSNs(DSNs{Build: func(*Message, bool, io.Reader) (Notice, bool) { return Notice{}, false }})
	db, err := bolt.Open(path, bolt.Options{
		Buckets:   bucketNames,
		Appending: []bolt.Bucket{messages, bodies, trace, invoices},
		Flush:     s.flush,
		Reserve:   o.Reserve,
		Free:      o.Free,
		Log:       s.log,
		ReadOnly:  o.ReadOnly,
	})
	if err != nil {
		return nil, err
	}
	s.db = db
	if err := s.startClock(&o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := errors.Join(s.migrate(o.ReadOnly), s.keepPrefix(o), s.loadNetworks(), s.loadKnownKey()); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if !o.ReadOnly {
		err = errors.Join(s.followNumbers(&o), s.sweepOrphans(), s.releaseClaims())
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close stops the store cleanly: what was handed over is written first.
func (s *Store) Close() error {
	s.once.Do(func() { close(s.closed) })
	s.sweep.Wait()
	return s.db.Close()
}

// Failed is closed when the disk failed in a way that forbids going on: nothing
// is acknowledged any more, and the process must stop and start again.
func (s *Store) Failed() <-chan struct{} { return s.db.Failed() }

// Err says why, once Failed is closed.
func (s *Store) Err() error { return s.db.Err() }

// Zone is the operator's time zone, in which months turn.
func (s *Store) Zone() *time.Location { return s.zone }

// Size is the file's length and how much of it is free for use, in octets.
func (s *Store) Size() (file, free int64) { return s.db.Size() }

// Commits counts transactions since Open, and those that one request spoilt so
// that the others had to run again.
func (s *Store) Commits() (written, reruns int64) { return s.db.Commits() }

// migrations bring a file from schema i to i+1. Append only.
var migrations = []func(*tx) error{
	func(t *tx) error { // 0: a new file
		for _, p := range quota.Builtin() {
			if err := t.put(plans, []byte(p.Name), p); err != nil {
				return err
			}
		}
		return t.put(meta, keyTotals, Totals{})
	},
	toContracts,                    // 1: accounts with one term and no ledger
	func(*tx) error { return nil }, // 2: no claims; a relay that knows none would leave entries behind what it settles
	countStored,                    // 3: usage that did not say how much of it is in the spool
	keepResold,                     // 4: plans that did not say whether they are for resellers
	uncapped,                       // 5: no ceiling of overage, and years that end with a month
	expireOrders,                   // 6: orders that wait for ever
	func(*tx) error { return nil }, // 7: claims that do not say when they are due next
	func(*tx) error { return nil }, // 8: entries that have a text in place of their Facts, which an older relay would miss
	func(*tx) error { return nil }, // 9: no domains, which an older relay would leave behind an account that it removes
}

var (
	keySchema   = []byte("schema")
	keyTotals   = []byte("totals")
	keyStorable = []byte("storable") // when Storable wrote last
	keyClock    = []byte("clock")
)

func (s *Store) migrate(readOnly bool) error {
	schema := 0
	err := s.view(func(t *tx) error { _, err := t.get(meta, keySchema, &schema); return err })
	if err != nil {
		return err
	}
	if schema > len(migrations) {
		return fmt.Errorf("%w: schema %d, this relay knows %d", ErrNewer, schema, len(migrations))
	}
	if schema == len(migrations) {
		return nil
	}
	if readOnly {
		return fmt.Errorf("%w: schema %d", ErrOlder, schema)
	}
	return s.update(0, func(t *tx) error {
		for _, step := range migrations[schema:] {
			if err := step(t); err != nil {
				return err
			}
		}
		return t.put(meta, keySchema, len(migrations))
	})
}

// tx is one transaction, at one instant.
type tx struct {
	b    *bolt.Tx
	s    *Store
	now  time.Time // of the books, UTC: months, terms, days
	wall time.Time // of the wall clock, UTC: the queue and the trace go by it

	then *aftermath // of a transaction that may remove messages; see updateThen
}

func (s *Store) tx(b *bolt.Tx) *tx {
	t := &tx{b: b, s: s}
	t.wall, t.now = s.clock.Now()
	return t
}

func (s *Store) view(fn func(*tx) error) error {
	return s.db.View(func(b *bolt.Tx) error { return fn(s.tx(b)) })
}

func (s *Store) update(weight int, fn func(*tx) error) error {
	return s.db.Update(weight, func(b *bolt.Tx) error { return fn(s.tx(b)) })
}

// aftermath is what is left to do when a transaction is on disk.
type aftermath struct {
	gone  []ID        // long bodies, to be removed in the background
	lanes []Lane      // that got mail due at once
	sent  []DSNResult // DSNs, to be logged
}

// updateThen is update for what may remove messages or queue DSNs.
func (s *Store) updateThen(weight int, fn func(*tx) error) error {
	return s.andThen(s.update, weight, fn)
}

// growThen is updateThen for what may not take the disk's last room.
func (s *Store) growThen(weight int, fn func(*tx) error) error {
	return s.andThen(s.grow, weight, fn)
}

func (s *Store) andThen(do func(int, func(*tx) error) error, weight int, fn func(*tx) error) error {
	var then aftermath
	err := do(weight, func(t *tx) error {
		then = aftermath{}
		t.then = &then
		return fn(t)
	})
	if err != nil {
		return err
	}
	s.sweepGone(then.gone)
	s.ready.announce(then.lanes...)
	return nil
}

func (s *Store) grow(weight int, fn func(*tx) error) error {
	return s.db.Grow(weight, func(b *bolt.Tx) error { return fn(s.tx(b)) })
}

// get decodes the value of key into v and reports whether there is one.
func (t *tx) get(b bolt.Bucket, key []byte, v any) (bool, error) {
	raw := t.b.Get(b, key)
	if raw == nil {
		return false, nil
	}
	return true, decode(bucketNames[b], key, raw, v)
}

func (t *tx) put(b bolt.Bucket, key []byte, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s %q: %w", bucketNames[b], key, err)
	}
	return t.b.Put(b, key, raw)
}

func decode(bucket string, key, raw []byte, v any) error {
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("decode %s %q: %w", bucket, key, err)
	}
	return nil
}

// load is get for a record that must be there.
func load[T any](t *tx, b bolt.Bucket, key string) (v T, err error) {
	ok, err := t.get(b, []byte(key), &v)
	if err == nil && !ok {
		err = fmt.Errorf("%s %q: %w", bucketNames[b], key, ErrNotFound)
	}
	return v, err
}

// add stores a record that must not be there yet.
func add(t *tx, b bolt.Bucket, key string, v any) error {
	if t.b.Get(b, []byte(key)) != nil {
		return fmt.Errorf("%s %q: %w", bucketNames[b], key, ErrExists)
	}
	return t.put(b, []byte(key), v)
}

// all decodes every record of a bucket whose key starts with prefix.
func all[T any](t *tx, b bolt.Bucket, prefix []byte) (list []T, err error) {
	c := t.b.Cursor(b)
	for k, raw := c.Seek(prefix); k != nil && hasPrefix(k, prefix); k, raw = c.Next() {
		var v T
		if err := decode(bucketNames[b], k, raw, &v); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}
