package store

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"relay/store/bucket"
	"relay/store/record"
	"relay/store/room"
	"relay/store/spooled"
)

// Bucket "known" has the recipients that accounts wrote to within a year, as hashes: key
// account NUL least hash, value a chunk, see package record. Settle learns them. The job
// that prunes the trace takes out what is older.

// shelf has the chunks of an account.
type shelf struct {
	t      *tx
	prefix []byte
}

// Floor implements record.Shelf.
func (s shelf) Floor(key []byte) (k, chunk []byte, err error) {
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

// Put implements record.Shelf.
func (s shelf) Put(key, chunk []byte) error {
	return s.t.Put(bucket.Known, append(bytes.Clone(s.prefix), key...), chunk)
}

func (t *tx) knows(account string, r *spooled.Recipient) (bool, error) {
	key := t.s.knownKey.Load()
	if key == nil {
		return false, nil // nobody was learned yet
	}
	return record.Knows(shelf{t, room.Pair(account, "")}, hashOf(*key, account, r), t.month())
}

func (t *tx) learn(account string, r *spooled.Recipient) error {
	key, err := t.keyOfKnown()
	if err != nil {
		return err
	}
	return record.Learn(shelf{t, room.Pair(account, "")}, hashOf(key, account, r), t.month())
}

// month is the running number of the month.
func (t *tx) month() int {
	at := t.Wall.In(t.s.zone)
	return at.Year()*12 + int(at.Month())
}

// hashOf an account's recipient. Local parts count as the same whatever their case.
func hashOf(key [16]byte, account string, r *spooled.Recipient) record.Hash {
	text := make([]byte, 0, len(key)+len(account)+1+len(r.Address))
	text = append(append(append(text, key[:]...), account...), 0)
	text = append(append(append(text, strings.ToLower(r.Local())...), '@'), r.Domain...)
	sum := sha256.Sum256(text)
	return record.HashOf(binary.BigEndian.Uint64(sum[:]))
}

var keyKnown = []byte("known") // of the hashes, in bucket "meta"

// loadKnownKey reads the key of the hashes, if there is one.
func (s *Store) loadKnownKey() error {
	return s.view(func(t *tx) error { t.readKnownKey(); return nil })
}

func (t *tx) readKnownKey() (key [16]byte, ok bool) {
	raw := t.Get(bucket.Meta, keyKnown)
	if ok = len(raw) == len(key); ok {
		copy(key[:], raw)
		t.s.knownKey.Store(&key)
	}
	return key, ok
}

// keyOfKnown is the key of the hashes, made with the first recipient that is learned.
func (t *tx) keyOfKnown() (key [16]byte, err error) {
	if at := t.s.knownKey.Load(); at != nil && t.Get(bucket.Meta, keyKnown) != nil {
		return *at, nil
	}
	if key, ok := t.readKnownKey(); ok {
		return key, nil
	}
	_, _ = rand.Read(key[:])
	t.OnCommit(func() { t.s.knownKey.Store(&key) })
	return key, t.Put(bucket.Meta, keyKnown, key[:])
}

// PruneKnown takes out recipients that accounts have not written to for a year, and those of
// accounts that are gone, in small transactions.
func (s *Store) PruneKnown() error {
	var from []byte
	for more := true; more; {
		select {
		case <-s.db.Stopping():
			return nil
		default:
		}
		err := s.update(0, func(t *tx) (err error) { from, more, err = t.pruneKnown(from); return err })
		if err != nil {
			return err
		}
	}
	return nil
}

// pruneKnown looks at some chunks, and says where to go on.
func (t *tx) pruneKnown(from []byte) (next []byte, more bool, err error) {
	type chunk struct{ key, is []byte }
	var changed []chunk
	c := t.Cursor(bucket.Known)
	n := 0
	for k, raw := c.Seek(from); k != nil; k, raw = c.Next() {
		if n++; n > room.Step {
			next, more = bytes.Clone(k), true
			break
		}
		account, _, _ := bytes.Cut(k, []byte{0})
		is := record.Recent(raw, t.month())
		if t.Get(bucket.Accounts, account) == nil {
			is = nil
		}
		if len(is) < len(raw) {
			changed = append(changed, chunk{bytes.Clone(k), is})
		}
	}
	for _, ch := range changed {
		if len(ch.is) == 0 {
			err = t.Delete(bucket.Known, ch.key)
		} else {
			err = t.Put(bucket.Known, ch.key, ch.is)
		}
		if err != nil {
			return nil, false, err
		}
	}
	return next, more, nil
}
