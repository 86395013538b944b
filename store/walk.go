package store

import (
	"slices"

	"relay/store/bolt"
)

// walkStep is how many records one transaction of a walk reads: a long one
// would keep the pages that writers free from being used again.
const walkStep = 256

// trimSteps of a walk later, the pages that it had mapped are let go: they would
// grow with what it reads.
const trimSteps = 64

// walk decodes the records of a bucket whose keys begin with prefix, from key from on,
// and calls fn for each, outside of any transaction. Records that come or go meanwhile
// may be missed.
func walk[T any](s *Store, b bolt.Bucket, prefix, from []byte, fn func(key []byte, v *T) error) error {
	type record struct {
		key []byte
		v   *T
	}
	for n := 1; ; n++ {
		if n%trimSteps == 0 {
			s.db.Trim()
		}
		list := make([]record, 0, walkStep)
		err := s.view(func(t *tx) error {
			c := t.b.Cursor(b)
			for k, raw := c.Seek(from); k != nil && hasPrefix(k, prefix) && len(list) < walkStep; k, raw = c.Next() {
				r := record{append([]byte(nil), k...), new(T)}
				if err := decode(bucketNames[b], k, raw, r.v); err != nil {
					return err
				}
				list = append(list, r)
			}
			return nil
		})
		if err != nil || len(list) == 0 {
			return err
		}
		for _, r := range list {
			if err := fn(r.key, r.v); err != nil {
				return err
			}
		}
		from = append(list[len(list)-1].key, 0)
	}
}

// beyond is the first key that may stand behind a name; "" is the beginning.
func beyond(name string) []byte {
	if name == "" {
		return nil
	}
	return append([]byte(name), 0)
}

// walkOwned is walk for the records that owner has, by key, whose keys are beyond after.
func walkOwned[T any](s *Store, o owned, owner, after string, fn func(*T) error) error {
	prefix := pairKey(owner, "")
	from := append(slices.Clone(prefix), beyond(after)...)
	for {
		list := make([]T, 0, walkStep)
		err := s.view(func(t *tx) error {
			c := t.b.Cursor(o.index)
			for k, _ := c.Seek(from); k != nil && hasPrefix(k, prefix) && len(list) < walkStep; k, _ = c.Next() {
				v, err := load[T](t, o.records, string(k[len(prefix):]))
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
