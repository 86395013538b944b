package room

import (
	"slices"

	"relay/store/engine"
)

// Passing is a bucket, or a part of one, whose records end.
type Passing struct {
	In    engine.Bucket
	Under []byte                         // prefix of their keys
	Ended func(raw []byte) (bool, error) // whether a record has ended, by its value
}

// Prune walks the bucket and removes the records that have ended. It looks at each of them
// again before: it may have been renewed. end is part of the last step; nil: there is nothing
// to add.
func (p Passing) Prune(d *DB, end func(*Tx) error) (removed int, err error) {
	return Removal[*Tx]{In: func(t Tx) *Tx { return &t }, Find: p.find, Remove: p.remove, End: end}.Run(d, p.Under)
}

// find returns the keys of the records that have ended among some, and where the next ones begin.
func (p Passing) find(t *Tx, from []byte) (keys [][]byte, next []byte, more bool, err error) {
	c := t.Cursor(p.In)
	n := 0
	for k, raw := c.Seek(from); k != nil && HasPrefix(k, p.Under); k, raw = c.Next() {
		if n++; n > Step {
			return keys, slices.Clone(k), true, nil
		}
		gone, err := p.Ended(raw)
		if err != nil {
			return nil, nil, false, err
		}
		if gone {
			keys = append(keys, slices.Clone(k))
		}
	}
	return keys, nil, false, nil
}

func (p Passing) remove(t *Tx, key []byte) (bool, error) {
	raw := t.Get(p.In, key)
	if raw == nil {
		return false, nil
	}
	gone, err := p.Ended(raw)
	if err != nil || !gone {
		return false, err
	}
	return true, t.Delete(p.In, key)
}
