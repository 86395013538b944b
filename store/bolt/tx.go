package bolt

import (
	"fmt"

	"go.etcd.io/bbolt"
)

// Tx is a transaction. Slices that come out of it die with it.
type Tx struct {
	// Scratch is the caller's: what it collects over the requests of one
	// transaction and writes in Options.Flush. A change to it must be told to
	// the engine with Touch.
	Scratch any

	db      *DB
	tx      *bbolt.Tx
	id      int
	buckets []*bbolt.Bucket
	dirty   bool
}

func (db *DB) newTx(tx *bbolt.Tx) *Tx {
	return &Tx{db: db, tx: tx, id: tx.ID(), buckets: make([]*bbolt.Bucket, len(db.opt.Buckets))}
}

// View runs fn on one consistent state; writers go on meanwhile. It must be
// short: pages that are freed while it runs cannot be used again. A panic in it
// is an error, as it is of Update.
func (db *DB) View(fn func(*Tx) error) error {
	return db.db.View(func(btx *bbolt.Tx) error { return run(fn, db.newTx(btx)) })
}

func (tx *Tx) bucket(b Bucket) *bbolt.Bucket {
	bk := tx.buckets[b]
	if bk == nil {
		bk = tx.tx.Bucket([]byte(tx.db.opt.Buckets[b]))
		if tx.db.appending[b] {
			bk.FillPercent = 0.9
		}
		tx.buckets[b] = bk
	}
	return bk
}

// Get returns the value of key, nil when there is none.
func (tx *Tx) Get(b Bucket, key []byte) []byte { return tx.bucket(b).Get(key) }

// Put stores value, which must not change until the transaction has ended.
func (tx *Tx) Put(b Bucket, key, value []byte) error {
	tx.dirty = true
	if err := tx.bucket(b).Put(key, value); err != nil {
		return fmt.Errorf("put %s %q: %w", tx.db.opt.Buckets[b], key, err)
	}
	return nil
}

// Delete removes key; it is no error if there is none.
func (tx *Tx) Delete(b Bucket, key []byte) error {
	tx.dirty = true
	if err := tx.bucket(b).Delete(key); err != nil {
		return fmt.Errorf("delete %s %q: %w", tx.db.opt.Buckets[b], key, err)
	}
	return nil
}

// Room is how many octets Grow had room for when the transaction began. It is for
// the function of a Grow only.
func (tx *Tx) Room() int64 { return tx.db.left }

// ID of the transaction, which grows; of a reading one, that of the last commit it sees.
func (tx *Tx) ID() int { return tx.id }

// OnCommit has fn run when the transaction is on disk, before the next one begins.
// It is not run when the transaction is rolled back, and must not block.
func (tx *Tx) OnCommit(fn func()) { tx.tx.OnCommit(fn) }

// Touch tells the engine that Scratch holds something to write.
func (tx *Tx) Touch() { tx.dirty = true }

// Cursor walks a bucket in the order of its keys. It must not be used after a
// change to the bucket, but for Seek, First and Last.
func (tx *Tx) Cursor(b Bucket) Cursor { return Cursor{tx.bucket(b).Cursor()} }

// Cursor is a position in a bucket; its methods return nil keys at the end.
type Cursor struct{ c *bbolt.Cursor }

// Seek moves to key or the next one after it.
func (c Cursor) Seek(key []byte) (k, v []byte) { return c.c.Seek(key) }

// First moves to the first key.
func (c Cursor) First() (k, v []byte) { return c.c.First() }

// Last moves to the last key.
func (c Cursor) Last() (k, v []byte) { return c.c.Last() }

// Next moves one on.
func (c Cursor) Next() (k, v []byte) { return c.c.Next() }

// Prev moves one back.
func (c Cursor) Prev() (k, v []byte) { return c.c.Prev() }
