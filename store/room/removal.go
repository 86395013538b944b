package room

import (
	"slices"

	"relay/store/engine"
)

// Removal of many records that holds up no other writer. T is a room's own transaction.
type Removal[T any] struct {
	In func(Tx) T

	// Find returns the keys of what is to go among Step records from a key on, and where
	// the next ones begin.
	Find func(t T, from []byte) (keys [][]byte, next []byte, more bool, err error)
	// Remove takes one away, unless it is gone or was renewed since it was found.
	Remove func(t T, key []byte) (bool, error)
	// End is part of the last step; nil: there is nothing to add.
	End func(t T) error
}

// Run finds and removes, a step in a transaction each, until there are no more records or the
// store stops.
func (w Removal[T]) Run(d *DB, from []byte) (removed int, err error) {
	for more := true; more; {
		select {
		case <-d.closed:
			return removed, nil
		default:
		}
		var keys [][]byte
		err := d.View(func(t Tx) (err error) {
			keys, from, more, err = w.Find(w.In(t), from)
			return err
		})
		if err != nil {
			return removed, err
		}
		var end func(T) error
		if !more {
			end = w.End
		}
		n, err := w.step(d, keys, end)
		if removed += n; err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// step removes what was found, and ends the removal if it is the last step.
func (w Removal[T]) step(d *DB, keys [][]byte, end func(T) error) (removed int, err error) {
	if len(keys) == 0 && end == nil {
		return 0, nil
	}
	err = d.Update(0, func(t Tx) error {
		removed = 0
		in := w.In(t)
		for _, k := range keys {
			gone, err := w.Remove(in, k)
			if err != nil {
				return err
			}
			if gone {
				removed++
			}
		}
		if end != nil {
			return end(in)
		}
		return nil
	})
	if err != nil {
		return 0, err // nothing of the step is stored
	}
	return removed, nil
}

// DeleteOf deletes the records of a bucket whose keys begin with their owner, as Pair makes
// them.
func (t *Tx) DeleteOf(b engine.Bucket, owner string) error {
	prefix := Pair(owner, "")
	c := t.Cursor(b)
	var keys [][]byte
	for k, _ := c.Seek(prefix); k != nil && HasPrefix(k, prefix); k, _ = c.Next() {
		keys = append(keys, slices.Clone(k))
	}
	for _, k := range keys {
		if err := t.Delete(b, k); err != nil {
			return err
		}
	}
	return nil
}
