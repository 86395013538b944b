package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"syscall"

	"go.etcd.io/bbolt"

	"relay/store/engine"
)

// txn is a transaction of a File.
type txn struct {
	f       *File
	tx      *bbolt.Tx
	buckets *[]bucket // by engine.Bucket; nil: the transaction has ended
}

// bucket is one that a transaction has looked up, or zero.
type bucket struct {
	*bbolt.Bucket
	seeker *bbolt.Cursor // see txn.seek; nil: not made yet
}

// Begin starts a transaction.
func (f *File) Begin(write bool) (engine.Txn, error) {
	tx, err := f.db.Begin(write)
	if err != nil {
		return nil, err
	}
	return f.txn(tx), nil
}

func (f *File) txn(tx *bbolt.Tx) *txn {
	return &txn{f: f, tx: tx, buckets: f.looked.Get().(*[]bucket)}
}

// end gives the list of buckets back, which nobody but the txn has seen.
func (t *txn) end() {
	if t.buckets != nil {
		clear(*t.buckets)
		t.f.looked.Put(t.buckets)
		t.buckets = nil
	}
}

func (t *txn) bucket(b engine.Bucket) *bucket {
	bk := &(*t.buckets)[b]
	if bk.Bucket == nil {
		bk.Bucket = t.tx.Bucket([]byte(t.f.opt.Buckets[b]))
		if t.f.appending[b] {
			bk.FillPercent = 0.9
		}
	}
	return bk
}

// seek looks for key in a transaction that writes. Such a one asks many times, and bbolt
// makes a stack of pages for each question to a bucket; a cursor keeps its stack.
func (t *txn) seek(b engine.Bucket, key []byte) (c *bbolt.Cursor, value []byte, found bool) {
	bk := t.bucket(b)
	if bk.seeker == nil {
		bk.seeker = bk.Cursor()
	}
	k, v := bk.seeker.Seek(key)
	return bk.seeker, v, k != nil && bytes.Equal(k, key)
}

func (t *txn) ID() int64 { return int64(t.tx.ID()) }

func (t *txn) Get(b engine.Bucket, key []byte) []byte {
	if !t.tx.Writable() {
		return t.bucket(b).Get(key)
	}
	_, value, found := t.seek(b, key)
	if !found {
		return nil
	}
	return value
}

func (t *txn) Put(b engine.Bucket, key, value []byte) error {
	if err := t.bucket(b).Put(key, value); err != nil {
		return fmt.Errorf("put %s %q: %w", t.f.opt.Buckets[b], key, err)
	}
	return nil
}

func (t *txn) Delete(b engine.Bucket, key []byte) error {
	c, _, found := t.seek(b, key)
	if !found && t.tx.Writable() {
		return nil
	}
	if err := c.Delete(); err != nil {
		return fmt.Errorf("delete %s %q: %w", t.f.opt.Buckets[b], key, err)
	}
	return nil
}

func (t *txn) Rollback() error {
	t.end()
	return t.tx.Rollback()
}

// Commit tells a full disk, which leaves the file as it was, from everything else, after
// which nobody knows what is on disk.
func (t *txn) Commit() error {
	id := t.tx.ID()
	t.end()
	switch err := t.tx.Commit(); {
	case err == nil:
		return nil
	case noRoom(err) && !t.f.visible(id):
		return fmt.Errorf("%w: %w", engine.ErrFull, err)
	default:
		return fmt.Errorf("%q: %w", t.f.path, err)
	}
}

func noRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// visible reports whether readers see the transaction although its commit failed.
func (f *File) visible(id int) (seen bool) {
	err := f.db.View(func(tx *bbolt.Tx) error {
		seen = tx.ID() >= id
		return nil
	})
	return seen || err != nil
}
