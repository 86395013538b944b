package room

import (
	"bytes"
	"slices"

	"relay/store/engine"
)

// Aging is a bucket whose keys are an owner, NUL, and something that sorts by age.
type Aging struct {
	In     engine.Bucket
	Owners engine.Bucket          // records of owners that are not there are removed whatever their age
	Old    func(rest []byte) bool // of what follows the NUL
	Remove func(t *Tx, key []byte) error
}

// Prune removes the old records of all owners, or of the one whose prefix is only. A record that
// was renewed has another key. It reads what it removes and one more record an owner.
func (a Aging) Prune(d *DB, only []byte) (removed int, err error) {
	return Removal[*Tx]{In: func(t Tx) *Tx { return &t },
		Find: func(t *Tx, from []byte) ([][]byte, []byte, bool, error) {
			keys, next, more := a.find(t, from, only)
			return keys, next, more, nil
		},
		Remove: func(t *Tx, k []byte) (bool, error) {
			if t.Get(a.In, k) == nil {
				return false, nil
			}
			return true, a.Remove(t, k)
		},
	}.Run(d, only)
}

// find returns old keys, Step at most, and where the next ones begin. At the first key of an owner
// that is not old it goes on with the next owner.
func (a Aging) find(t *Tx, from, only []byte) (keys [][]byte, next []byte, more bool) {
	c := t.Cursor(a.In)
	k, _ := c.Seek(from)
	for n := 0; k != nil && HasPrefix(k, only); n++ {
		if n == Step {
			return keys, slices.Clone(k), true
		}
		owner, rest, _ := bytes.Cut(k, []byte{0})
		if a.Old(rest) || t.Get(a.Owners, owner) == nil {
			keys = append(keys, slices.Clone(k))
			k, _ = c.Next()
			continue
		}
		k, _ = c.Seek(append(slices.Clone(owner), 1))
	}
	return keys, nil, false
}
