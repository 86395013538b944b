package memory

import (
	"errors"
	"fmt"

	"github.com/tidwall/btree"

	"relay/store/engine"
)

var (
	errEnded    = errors.New("the transaction has ended")
	errReadOnly = errors.New("the transaction only reads")
	errNoKey    = errors.New("the key is empty")
)

// txn is a transaction. One that writes copies a tree before its first change of it, which
// costs no more than a new root.
type txn struct {
	d       *Driver
	now     *state
	write   bool
	ended   bool
	changes []int    // by bucket
	lent    [][]byte // what came out of it
}

// Begin starts a transaction.
func (d *Driver) Begin(write bool) (engine.Txn, error) {
	if !write {
		return &txn{d: d, now: d.state(), changes: make([]int, len(d.opt.Buckets))}, nil
	}
	if d.opt.ReadOnly {
		return nil, errReadOnly
	}
	d.writes.Lock()
	return &txn{d: d, now: d.state().next(), write: true, changes: make([]int, len(d.opt.Buckets))}, nil
}

func (t *txn) ID() int64 { return t.now.id }

func (t *txn) tree(b engine.Bucket) *tree { return t.now.buckets[t.d.opt.Buckets[b]] }

// lend is a copy that lasts as long as the transaction.
func (t *txn) lend(p []byte) []byte {
	c := append([]byte{}, p...) // never nil
	t.lent = append(t.lent, c)
	return c
}

func (t *txn) Get(b engine.Bucket, key []byte) []byte {
	v, ok := t.tree(b).Get(string(key))
	if !ok {
		return nil
	}
	return t.lend(v)
}

// change is the tree of a bucket that is about to change.
func (t *txn) change(b engine.Bucket) (*tree, error) {
	switch {
	case t.ended:
		return nil, errEnded
	case !t.write:
		return nil, errReadOnly
	}
	if t.changes[b]++; t.changes[b] == 1 {
		t.now.buckets[t.d.opt.Buckets[b]] = t.tree(b).Copy()
	}
	return t.tree(b), nil
}

func (t *txn) Put(b engine.Bucket, key, value []byte) error {
	c, err := t.change(b)
	if err == nil && len(key) == 0 {
		err = errNoKey
	}
	if err != nil {
		return fmt.Errorf("put %s %q: %w", t.d.opt.Buckets[b], key, err)
	}
	was, ok := c.Set(string(key), append([]byte{}, value...))
	if !ok {
		t.now.size += int64(len(key))
	}
	t.now.size += int64(len(value) - len(was))
	return nil
}

func (t *txn) Delete(b engine.Bucket, key []byte) error {
	c, err := t.change(b)
	if err != nil {
		return fmt.Errorf("delete %s %q: %w", t.d.opt.Buckets[b], key, err)
	}
	if was, ok := c.Delete(string(key)); ok {
		t.now.size -= int64(len(key) + len(was))
	}
	return nil
}

// Trim does nothing here.
func (t *txn) Trim() {}

func (t *txn) Commit() error {
	if t.ended || !t.write {
		return errEnded
	}
	t.d.file.mu.Lock()
	t.d.file.now = t.now
	t.d.file.mu.Unlock()
	return t.Rollback()
}

// Rollback ends the transaction. What came out of it is overwritten, so that a test fails
// which still reads it.
func (t *txn) Rollback() error {
	if t.ended {
		return errEnded
	}
	t.ended = true
	for _, p := range t.lent {
		clear(p)
	}
	t.lent = nil
	if t.write {
		t.d.writes.Unlock()
	}
	return nil
}

// cursor is a position in a bucket.
type cursor struct {
	t      *txn
	b      engine.Bucket
	iter   btree.MapIter[string, []byte]
	change int // of the bucket, when the position was taken
}

// Cursor walks a bucket.
func (t *txn) Cursor(b engine.Bucket) engine.Cursor { return &cursor{t: t, b: b, change: -1} }

// begin takes a position anew, in the tree as it is.
func (c *cursor) begin() *btree.MapIter[string, []byte] {
	c.iter, c.change = c.t.tree(c.b).Iter(), c.t.changes[c.b]
	return &c.iter
}

func (c *cursor) First() (k, v []byte) { return c.answer(c.begin().First()) }
func (c *cursor) Last() (k, v []byte)  { return c.answer(c.begin().Last()) }

func (c *cursor) Seek(key []byte) (k, v []byte) { return c.answer(c.begin().Seek(string(key))) }

func (c *cursor) Next() (k, v []byte) { return c.answer(c.goOn().Next()) }
func (c *cursor) Prev() (k, v []byte) { return c.answer(c.goOn().Prev()) }

// goOn is the position, which must still be one.
func (c *cursor) goOn() *btree.MapIter[string, []byte] {
	if c.change != c.t.changes[c.b] {
		panic(fmt.Sprintf("a cursor goes on in bucket %q, which has changed", c.t.d.opt.Buckets[c.b]))
	}
	return &c.iter
}

func (c *cursor) answer(ok bool) (k, v []byte) {
	if c.t.ended {
		panic("a cursor of a transaction that has ended")
	}
	if !ok {
		return nil, nil
	}
	return c.t.lend([]byte(c.iter.Key())), c.t.lend(c.iter.Value())
}
