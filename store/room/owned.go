package room

import (
	"slices"

	"relay/store/engine"
)

// Owned is a bucket whose records belong to somebody, and its index: key owner
// NUL key of the record, no value. So what one owns is found without reading
// what all own.
type Owned struct{ Records, Index engine.Bucket }

// Keys of the records that owner has, in order.
func (o Owned) Keys(t *Tx, owner string) (keys []string) {
	prefix := Pair(owner, "")
	c := t.Cursor(o.Index)
	for k, _ := c.Seek(prefix); k != nil && HasPrefix(k, prefix); k, _ = c.Next() {
		keys = append(keys, string(k[len(prefix):]))
	}
	return keys
}

// Add stores a new record and whose it is.
func (o Owned) Add(t *Tx, owner, key string, v any) error {
	if err := Add(t, o.Records, key, v); err != nil {
		return err
	}
	return t.Put(o.Index, Pair(owner, key), []byte{})
}

// Remove deletes a record, and whose it is.
func (o Owned) Remove(t *Tx, owner, key string) error {
	if err := t.Delete(o.Index, Pair(owner, key)); err != nil {
		return err
	}
	return t.Delete(o.Records, []byte(key))
}

// Move brings the index after a change of owner; "" is nobody.
func (o Owned) Move(t *Tx, was, is, key string) error {
	if was == is {
		return nil
	}
	if was != "" {
		if err := t.Delete(o.Index, Pair(was, key)); err != nil {
			return err
		}
	}
	if is == "" {
		return nil
	}
	return t.Put(o.Index, Pair(is, key), []byte{})
}

// AllOwned decodes the records that owner has.
func AllOwned[T any](t *Tx, o Owned, owner string) (list []T, err error) {
	for _, key := range o.Keys(t, owner) {
		v, err := Load[T](t, o.Records, key)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// WalkOwned is Walk for the records that owner has, by key, whose keys are beyond after.
func WalkOwned[T any](d *DB, o Owned, owner, after string, fn func(*T) error) error {
	prefix := Pair(owner, "")
	from := append(slices.Clone(prefix), Beyond(after)...)
	for {
		list := make([]T, 0, Step)
		err := d.View(func(t Tx) error {
			c := t.Cursor(o.Index)
			for k, _ := c.Seek(from); k != nil && HasPrefix(k, prefix) && len(list) < Step; k, _ = c.Next() {
				v, err := Load[T](&t, o.Records, string(k[len(prefix):]))
				if err != nil {
					return err
				}
				list, from = append(list, v), append(slices.Clone(k), 0)
			}
			return nil
		})
		if err != nil || len(list) == 0 {
			return err
		}
		for i := range list {
			if err := fn(&list[i]); err != nil {
				return err
			}
		}
	}
}
