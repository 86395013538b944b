package room

import (
	"slices"

	"relay/store/engine"
)

// Step is how many records one transaction of a walk reads: a long one
// would keep the pages that writers free from being used again.
const Step = 256

// TrimSteps of a walk later, the pages that it had mapped are let go: they would
// grow with what it reads.
const TrimSteps = 64

// Walk decodes the records of a bucket whose keys begin with prefix, from key from on,
// and calls fn for each, outside of any transaction. Records that come or go meanwhile
// may be missed.
func Walk[T any](d *DB, b engine.Bucket, prefix, from []byte, fn func(key []byte, v *T) error) error {
	type record struct {
		key []byte
		v   *T
	}
	for n := 1; ; n++ {
		if n%TrimSteps == 0 {
			d.engine.Trim()
		}
		list := make([]record, 0, Step)
		err := d.View(func(t Tx) error {
			c := t.Cursor(b)
			for k, raw := c.Seek(from); k != nil && HasPrefix(k, prefix) && len(list) < Step; k, raw = c.Next() {
				r := record{slices.Clone(k), new(T)}
				if err := Decode(b, k, raw, r.v); err != nil {
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
