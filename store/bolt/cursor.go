package bolt

import (
	"bytes"

	"go.etcd.io/bbolt"

	"relay/store/engine"
)

// Cursor walks a bucket.
func (t *txn) Cursor(b engine.Bucket) engine.Cursor {
	if !t.tx.Writable() {
		return t.bucket(b).Cursor()
	}
	return &cursor{Cursor: *t.bucket(b).Cursor()}
}

// cursor is bbolt's in a transaction that writes. A leaf of the tree whose records are all
// deleted stays in the tree until the commit. bbolt's Next, First and Seek pass over it, but
// its Prev ends there, and its Last never ends if there are only such leaves.
type cursor struct {
	bbolt.Cursor
	at []byte // key of the last answer
}

func (c *cursor) First() (k, v []byte) { return c.answer(c.Cursor.First()) }
func (c *cursor) Next() (k, v []byte)  { return c.answer(c.Cursor.Next()) }

func (c *cursor) Seek(key []byte) (k, v []byte) { return c.answer(c.Cursor.Seek(key)) }

func (c *cursor) answer(k, v []byte) (_, _ []byte) {
	c.at = k
	return k, v
}

func (c *cursor) Last() (k, v []byte) {
	if k, _ := c.Cursor.First(); k == nil {
		return c.answer(nil, nil)
	}
	return c.answer(c.Cursor.Last())
}

// Prev goes on over empty leaves, unless the last answer was the first record.
func (c *cursor) Prev() (k, v []byte) {
	k, v = c.Cursor.Prev()
	if k == nil && c.at != nil {
		if first, _ := c.Bucket().Cursor().First(); !bytes.Equal(first, c.at) {
			for k == nil {
				k, v = c.Cursor.Prev()
			}
		}
	}
	return c.answer(k, v)
}
