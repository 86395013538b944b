// Package delivered is the index of what was sent: it finds the e-mails that a next hop took in the
// last 90 days, by their Message-ID and mailbox, so that what comes back about them finds its
// account. It also makes the tokens of reverse-paths, which name an entry of the index. Package sent
// has the form of entries and runs.
//
// It knows accounts, periods, sources and providers as texts. Message-IDs and mailboxes are in it
// only as keyed hashes.
//
//   - Bucket "sent-open": number (8): entries, as they came.
//   - Bucket "sent-index": number of a run (4): sent.Run, JSON.
//   - Bucket "sent-runs": chunks, see sent.Key.
//   - Bucket "sent-names": the names behind the numbers of entries, see names.go.
//   - Bucket "meta": "sent", the key of hashes and tokens; "sent-done", the last record of
//     "sent-open" that is in a run (8).
//
// What happens:
//
//  1. The transaction that settles attempts collects an entry for each recipient that a next hop
//     took (Enter), and Flush appends them to bucket "sent-open" as one record. Relay's own mail is
//     not in the index.
//  2. When that is on disk, the entries are put into the open parts in memory. Load reads the
//     records again that are in no run yet: those of a part or two.
//  3. The keeper, one goroutine, makes runs of the parts that are full, in the background, and merges
//     and removes runs. It lives while there is something to do.
//  4. The transaction that removes an account empties its names (Forget): its entries then belong to
//     nobody.
//
// A crash leaves an e-mail's outcome with its entry, or neither. Each step of the keeper is a small
// transaction, and leaves a state from which the next one goes on.
package delivered

import (
	"encoding/binary"
	"sync"
	"time"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/quiet"
	"relay/store/room"
	"relay/store/sent"
	"relay/store/spooled"
)

// Options of the room.
type Options struct {
	Past func() time.Time // an instant that is surely past: entries are given up by its day
	Log  *quiet.Log
}

// Index is what was sent. Its methods may be called from any goroutine.
type Index struct {
	db   *room.DB
	o    Options
	key  [32]byte // of tokens and hashes
	next uint64   // number of the next record; the writer's

	mu     sync.RWMutex
	parts  []*openPart // the oldest first; the last one grows. Never empty
	busy   bool        // the keeper is at work
	idle   sync.Cond   // it is not any more
	pauses int         // see Pause
	closed bool

	stepping sync.Mutex // the keeper takes one step at a time
}

// New keeps the index in a store, whose engine must run Flush. Load must follow.
func New(db *room.DB, o Options) *Index {
	x := &Index{db: db, o: o, parts: []*openPart{{}}}
	x.idle.L = &x.mu
	return x
}

// Load reads the key, which it makes in a new store, and the records that are in no run yet, and has
// the keeper go on. With readOnly nothing is written.
func (x *Index) Load(readOnly bool) error {
	if err := x.loadKey(readOnly); err != nil {
		return err
	}
	begun := false
	err := x.db.View(func(t room.Tx) error {
		done := doneIn(&t)
		x.next = done + 1
		c := t.Cursor(bucket.SentOpen)
		for k, v := c.Seek(recordKey(x.next)); k != nil; k, v = c.Next() {
			n := binary.BigEndian.Uint64(k)
			x.add(n, v)
			x.next = n + 1
		}
		k, _ := t.Cursor(bucket.SentIndexOf).First()
		begun = k != nil
		return nil
	})
	if err == nil && begun && !readOnly {
		x.Wake()
	}
	return err
}

var keyDone = []byte("sent-done") // in bucket "meta"

// doneIn is the last record that is in a run.
func doneIn(t *room.Tx) uint64 {
	if raw := t.Get(bucket.Meta, keyDone); len(raw) == 8 {
		return binary.BigEndian.Uint64(raw)
	}
	return 0
}

func recordKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// Owner is the account of an e-mail, and the period that it was charged to.
type Owner struct{ Account, Period string }

// Way is how an e-mail went.
type Way struct{ Source, Provider string }

// scratch is what a transaction adds to the index.
type scratch struct {
	x       *Index
	list    []byte // entries
	owners  map[Owner]uint32
	ways    map[Way]uint16
	message spooled.ID // of hash
	hash    sent.Hash
}

var scratchKey engine.Key[scratch]

// Enter puts a recipient's copy of a message, which a next hop took, into the index.
func (x *Index) Enter(t *room.Tx, m *spooled.Message, r *spooled.Recipient, w Way) error {
	if m.OfRelay() {
		return nil
	}
	t.Touch()
	in := scratchKey.In(t.Tx)
	if in.x == nil {
		in.x, in.owners, in.ways = x, map[Owner]uint32{}, map[Way]uint16{}
	}
	if in.message != m.ID {
		in.message, in.hash = m.ID, x.Hash(m.MessageID, m.ID)
	}
	e := sent.Entry{Message: in.hash, Mailbox: x.Box(r.Mailbox()), ID: m.ID, At: uint32(t.Wall.Unix())}
	var err error
	if e.Owner, err = in.owner(t, Owner{m.Account, m.Period}); err != nil {
		return err
	}
	if e.Way, err = in.way(t, w); err != nil {
		return err
	}
	in.list = e.Append(in.list)
	return nil
}

// Flush appends what a transaction has collected.
func Flush(b *engine.Tx) error {
	in := scratchKey.Of(b)
	if in == nil || len(in.list) == 0 {
		return nil
	}
	x, n := in.x, in.x.next
	b.OnCommit(func() {
		x.next = n + 1
		x.add(n, in.list)
		if x.due(dayOf(x.o.Past())) {
			x.Wake()
		}
	})
	return b.Put(bucket.SentOpen, recordKey(n), in.list)
}

// dayOf an instant is the number of the day in UTC. The index goes by it.
func dayOf(at time.Time) int { return int(at.Unix() / (24 * 60 * 60)) }
