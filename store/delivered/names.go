package delivered

import (
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"relay/store/bucket"
	"relay/store/room"
)

// Entries have numbers for names that come again and again. Bucket "sent-names": a letter and a
// name: its number (4) and the day on which it got that (4), and another letter and the number: the
// name. The names of an account are emptied when it is removed: its entries then belong to nobody,
// and their numbers are not given again.
const (
	ownerByName   = 'o' // account NUL period
	ownerByNumber = 'p'
	wayByName     = 'w' // source NUL provider
	wayByNumber   = 'x'
)

// owner is the number of an owner, which gets one with its first e-mail.
func (in *scratch) owner(t *room.Tx, o Owner) (n uint32, err error) {
	if n = in.owners[o]; n == 0 {
		n, err = numberOf(t, ownerByName, ownerByNumber, o.Account+"\x00"+o.Period)
		in.owners[o] = n
	}
	return n, err
}

// way is the number of a way; 0: there are too many.
func (in *scratch) way(t *room.Tx, w Way) (uint16, error) {
	if n, ok := in.ways[w]; ok {
		return n, nil
	}
	n, err := numberOf(t, wayByName, wayByNumber, w.Source+"\x00"+w.Provider)
	if n > math.MaxUint16 {
		n = 0
	}
	in.ways[w] = uint16(n)
	return uint16(n), err
}

// numberOf a name, which gets the next one if it has none.
func numberOf(t *room.Tx, byName, byNumber byte, name string) (uint32, error) {
	key := append([]byte{byName}, name...)
	if raw := t.Get(bucket.SentNames, key); len(raw) == 8 {
		return binary.BigEndian.Uint32(raw), nil
	}
	last := uint32(0)
	c := t.Cursor(bucket.SentNames)
	k, _ := c.Seek([]byte{byNumber + 1})
	if k == nil {
		k, _ = c.Last()
	} else {
		k, _ = c.Prev()
	}
	if len(k) == 5 && k[0] == byNumber {
		last = binary.BigEndian.Uint32(k[1:])
	}
	number := binary.BigEndian.AppendUint32(nil, last+1)
	if err := t.Put(bucket.SentNames, append([]byte{byNumber}, number...), []byte(name)); err != nil {
		return 0, err
	}
	return last + 1, t.Put(bucket.SentNames, key, binary.BigEndian.AppendUint32(number, uint32(dayOf(t.Wall))))
}

// Owner is the one behind the number of an entry; ok is false when the account was removed.
func (x *Index) Owner(t *room.Tx, n uint32) (o Owner, ok bool) {
	name := string(t.Get(bucket.SentNames, binary.BigEndian.AppendUint32([]byte{ownerByNumber}, n)))
	o.Account, o.Period, ok = strings.Cut(name, "\x00")
	return o, ok
}

// Way is the one behind the number of an entry; zero: it is not known.
func (x *Index) Way(t *room.Tx, n uint16) (w Way) {
	name := string(t.Get(bucket.SentNames, binary.BigEndian.AppendUint32([]byte{wayByNumber}, uint32(n))))
	w.Source, w.Provider, _ = strings.Cut(name, "\x00")
	return w
}

// Forget empties the names of an account that is removed.
func (x *Index) Forget(t *room.Tx, account string) error {
	if in := scratchKey.Of(t.Tx); in != nil {
		maps.DeleteFunc(in.owners, func(o Owner, _ uint32) bool { return o.Account == account })
	}
	prefix := append([]byte{ownerByName}, room.Pair(account, "")...)
	var names, numbers [][]byte
	c := t.Cursor(bucket.SentNames)
	for k, raw := c.Seek(prefix); room.HasPrefix(k, prefix) && len(raw) == 8; k, raw = c.Next() {
		names, numbers = append(names, slices.Clone(k)), append(numbers, ownerKey(raw))
	}
	for i := range names {
		if err := errors.Join(t.Delete(bucket.SentNames, names[i]), t.Put(bucket.SentNames, numbers[i], []byte{})); err != nil {
			return err
		}
	}
	return nil
}

// ownerKey is the key by number of an owner, from the value by name.
func ownerKey(raw []byte) []byte { return append([]byte{ownerByNumber}, raw[:4]...) }

// namesKept is how long an owner's number is kept. No period lasts so long.
const namesKept = 3 * 366 // days

// PruneNames empties the names of periods that are over long since. It works in small transactions
// and stops with the store.
func (x *Index) PruneNames(now time.Time) error {
	today := dayOf(now)
	old := func(raw []byte) bool { return len(raw) == 8 && int(binary.BigEndian.Uint32(raw[4:])) < today-namesKept }
	_, err := room.Removal[*room.Tx]{In: func(t room.Tx) *room.Tx { return &t },
		Find: func(t *room.Tx, from []byte) (keys [][]byte, next []byte, more bool, err error) {
			c, n := t.Cursor(bucket.SentNames), 0
			for k, raw := c.Seek(from); k != nil && k[0] == ownerByName; k, raw = c.Next() {
				if n++; n > room.Step {
					return keys, slices.Clone(k), true, nil
				}
				if old(raw) {
					keys = append(keys, slices.Clone(k))
				}
			}
			return keys, nil, false, nil
		},
		Remove: func(t *room.Tx, k []byte) (bool, error) {
			raw := t.Get(bucket.SentNames, k)
			if !old(raw) {
				return false, nil
			}
			return true, errors.Join(t.Put(bucket.SentNames, ownerKey(raw), []byte{}), t.Delete(bucket.SentNames, k))
		},
	}.Run(x.db, []byte{ownerByName})
	return err
}
