// Package known keeps which recipients an account wrote to within a year, so that the others count
// as first sendings.
//
// Recipients are hashes with the month in which they were last written to, in chunks: bucket
// "known", key account NUL least hash. The key of the hashes is made with the first recipient that
// is learned, and lies in bucket "meta".
//
//  1. The transaction that plans first sendings, or hands them out, asks who is known (Knows).
//  2. The one that settles a delivery notes its recipient (Learn). So a crash leaves the delivery
//     with what it taught, or neither.
//  3. Prune takes out what is older than a year, and the recipients of accounts that are gone, in
//     small transactions. A crash leaves the rest to the next run. The removal of an account leaves
//     its recipients to it.
package known

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"sync/atomic"
	"time"

	"relay/store/bucket"
	"relay/store/room"
	"relay/store/spooled"
)

// Options of the room.
type Options struct {
	Zone *time.Location // the operator's, in which months begin
}

// Recipients are the known ones of all accounts. Its methods may be called from any goroutine.
type Recipients struct {
	db   *room.DB
	zone *time.Location
	key  atomic.Pointer[key] // as it is on disk; nil: there is none yet
}

// key of the hashes.
type key [16]byte

var keyKey = []byte("known") // in bucket "meta"

// New keeps them in a store. LoadKey has to follow.
func New(db *room.DB, o Options) *Recipients { return &Recipients{db: db, zone: o.Zone} }

// LoadKey reads the key of the hashes, if there is one.
func (r *Recipients) LoadKey() error {
	return r.db.View(func(t room.Tx) error {
		if k, ok := keyIn(&t); ok {
			r.key.Store(&k)
		}
		return nil
	})
}

// keyIn is the key as this transaction sees it.
func keyIn(t *room.Tx) (k key, ok bool) {
	raw := t.Get(bucket.Meta, keyKey)
	return k, copy(k[:], raw) == len(k) && len(raw) == len(k)
}

// newKey makes the key. Until it is on disk nobody else may use it: the transaction may run again,
// with another one.
func (r *Recipients) newKey(t *room.Tx) (k key, err error) {
	_, _ = rand.Read(k[:])
	t.OnCommit(func() { r.key.Store(&k) })
	return k, t.Put(bucket.Meta, keyKey, k[:])
}

// Knows reports whether an account wrote to a recipient within a year.
func (r *Recipients) Knows(t *room.Tx, account string, to *spooled.Recipient) (bool, error) {
	k := r.key.Load()
	if k == nil {
		return false, nil // nobody was learned yet
	}
	return knows(chunks{t, room.Pair(account, "")}, hashOf(k, account, to), r.month(t.Wall))
}

// Learn notes that an account writes to a recipient.
func (r *Recipients) Learn(t *room.Tx, account string, to *spooled.Recipient) error {
	k, ok := keyIn(t)
	if !ok {
		var err error
		if k, err = r.newKey(t); err != nil {
			return err
		}
	}
	return learn(chunks{t, room.Pair(account, "")}, hashOf(&k, account, to), r.month(t.Wall))
}

// month is the running number of the month.
func (r *Recipients) month(at time.Time) int {
	at = at.In(r.zone)
	return at.Year()*12 + int(at.Month())
}

// hashOf an account's recipient. Local parts count as the same whatever their case.
func hashOf(k *key, account string, to *spooled.Recipient) hash {
	text := make([]byte, 0, len(k)+len(account)+1+len(to.Address))
	text = append(append(append(text, k[:]...), account...), 0)
	text = append(append(append(text, strings.ToLower(to.Local())...), '@'), to.Domain...)
	sum := sha256.Sum256(text)
	return shortened(binary.BigEndian.Uint64(sum[:]))
}

// chunks are those of an account in the store.
type chunks struct {
	t      *room.Tx
	prefix []byte
}

// floor implements shelf.
func (s chunks) floor(key []byte) (k, chunk []byte, err error) {
	c := s.t.Cursor(bucket.Known)
	full := append(bytes.Clone(s.prefix), key...)
	k, chunk = c.Seek(full)
	switch {
	case k == nil:
		k, chunk = c.Last()
	case !bytes.Equal(k, full):
		k, chunk = c.Prev()
	}
	if k == nil || !room.HasPrefix(k, s.prefix) {
		return nil, nil, nil
	}
	return k[len(s.prefix):], chunk, nil
}

// put implements shelf.
func (s chunks) put(key, chunk []byte) error {
	return s.t.Put(bucket.Known, append(bytes.Clone(s.prefix), key...), chunk)
}

// Prune takes out recipients that accounts have not written to for a year, and those of accounts
// that are gone. It stops with the store.
func (r *Recipients) Prune() error {
	_, err := room.Removal[*room.Tx]{In: func(t room.Tx) *room.Tx { return &t }, Find: r.find, Remove: r.cut}.Run(r.db, nil)
	return err
}

// find returns the keys of chunks among some that something is to be taken out of, and where the
// next ones begin.
func (r *Recipients) find(t *room.Tx, from []byte) (keys [][]byte, next []byte, more bool, err error) {
	c := t.Cursor(bucket.Known)
	n := 0
	for k, raw := c.Seek(from); k != nil; k, raw = c.Next() {
		if n++; n > room.Step {
			return keys, bytes.Clone(k), true, nil
		}
		if len(r.left(t, k, raw)) < len(raw) {
			keys = append(keys, bytes.Clone(k))
		}
	}
	return keys, nil, false, nil
}

// cut takes out of a chunk what is to go.
func (r *Recipients) cut(t *room.Tx, k []byte) (bool, error) {
	raw := t.Get(bucket.Known, k)
	switch left := r.left(t, k, raw); {
	case len(left) == len(raw):
		return false, nil
	case len(left) == 0:
		return true, t.Delete(bucket.Known, k)
	default:
		return true, t.Put(bucket.Known, k, left)
	}
}

// left is what of a chunk is to stay.
func (r *Recipients) left(t *room.Tx, k, raw []byte) []byte {
	account, _, _ := bytes.Cut(k, []byte{0})
	if t.Get(bucket.Accounts, account) == nil {
		return nil
	}
	return recentOf(raw, r.month(t.Wall))
}
