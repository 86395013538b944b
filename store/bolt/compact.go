package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"

	"go.etcd.io/bbolt"

	"relay/store/engine"
)

// trimEvery so many octets that were walked over, the mapped pages are let go.
const trimEvery = 64 << 20

// Compact writes what the file holds into a new one at path, without the pages
// that hold nothing, and compares the two, record by record. The file itself is
// only read. progress is told how many octets of keys and values were copied since
// it was called last; an error of its ends the whole. What is at path after an
// error is of no use.
func (f *File) Compact(path string, progress func(n int64) error) error {
	return f.db.View(func(src *bbolt.Tx) error {
		o, err := f.likeness(src)
		if err != nil {
			return err
		}
		dst, err := Open(path, o)
		if err != nil {
			return err
		}
		if err := errors.Join(fill(dst, f, src, progress), dst.Close(true)); err != nil {
			return err
		}
		size, err := f.equals(src, path, o)
		if err != nil {
			return err
		}
		return os.Truncate(path, size) // the room that the engine took ahead
	})
}

// likeness is the options of a file with the same buckets, filled as this one is.
func (f *File) likeness(src *bbolt.Tx) (o Options, err error) {
	err = src.ForEach(func(name []byte, _ *bbolt.Bucket) error {
		i := slices.Index(f.opt.Buckets, string(name))
		if i >= 0 && f.appending[i] {
			o.Appending = append(o.Appending, engine.Bucket(len(o.Buckets)))
		}
		o.Buckets = append(o.Buckets, string(name))
		return nil
	})
	return o, err
}

// fill puts all records of src into dst, in the order of their keys, a batch a
// transaction.
func fill(dst, f *File, src *bbolt.Tx, progress func(int64) error) error {
	walked := 0
	for i, name := range dst.opt.Buckets {
		b := batch{bucket: engine.Bucket(i)}
		c := src.Bucket([]byte(name)).Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			if v == nil {
				return fmt.Errorf("bucket %s: %q is no record", name, k)
			}
			b.add(k, v)
			if b.weight < engine.MaxWeight {
				continue
			}
			if walked += b.weight; walked >= trimEvery {
				walked = 0
				f.txn(src).Trim()
			}
			if err := b.store(dst, progress); err != nil {
				return err
			}
		}
		if err := b.store(dst, progress); err != nil {
			return err
		}
	}
	return nil
}

// batch is records on their way. They are copies: a page of a damaged file must
// fail under the hands of the reader, not later, in the writer.
type batch struct {
	bucket engine.Bucket
	keys   [][]byte
	values [][]byte
	weight int
}

func (b *batch) add(k, v []byte) {
	b.keys = append(b.keys, bytes.Clone(k))
	b.values = append(b.values, bytes.Clone(v))
	b.weight += len(k) + len(v)
}

func (b *batch) store(dst *File, progress func(int64) error) error {
	err := dst.db.Update(func(tx *bbolt.Tx) error {
		t := dst.txn(tx)
		for i, k := range b.keys {
			if err := t.Put(b.bucket, k, b.values[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	n := int64(b.weight)
	*b = batch{bucket: b.bucket, keys: b.keys[:0], values: b.values[:0]}
	return progress(n)
}

// equals compares the records of src with those of the file at path, and returns
// how long that one need be.
func (f *File) equals(src *bbolt.Tx, path string, o Options) (size int64, err error) {
	o.ReadOnly = true
	dst, err := Open(path, o)
	if err != nil {
		return 0, err
	}
	size, _ = dst.Size()
	walked := 0
	err = dst.db.View(func(other *bbolt.Tx) error {
		for _, name := range o.Buckets {
			a, b := src.Bucket([]byte(name)).Cursor(), other.Bucket([]byte(name)).Cursor()
			k, v := a.First()
			key, value := b.First()
			for ; k != nil && bytes.Equal(k, key) && bytes.Equal(v, value); key, value = b.Next() {
				if walked += len(k) + len(v); walked >= trimEvery {
					walked = 0
					f.txn(src).Trim()
					dst.txn(other).Trim()
				}
				k, v = a.Next()
			}
			if k != nil || key != nil {
				return fmt.Errorf("bucket %s: the copy is not the same from %q on", name, k)
			}
		}
		return nil
	})
	return size, errors.Join(err, dst.Close(true))
}
