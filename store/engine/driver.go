package engine

import (
	"errors"
	"io"
)

// Errors of every driver, for errors.Is.
var (
	ErrLocked  = errors.New("another process holds the store")
	ErrFull    = errors.New("the disk is full")
	ErrClosed  = errors.New("the store is closed")
	ErrOlder   = errors.New("the store was written by an older relay") // and is only to be read
	ErrDamaged = errors.New("the file is damaged")                     // and cannot be a store
)

// Bucket is an index into the names that a driver was opened with.
type Bucket int

// Driver keeps the octets of one store, for this process alone.
type Driver interface {
	// Begin starts a transaction. DB has one that writes at a time; those that read go on
	// meanwhile, each on the state of the last commit before it.
	Begin(write bool) (Txn, error)

	// Room is how many octets new mail may still take; negative: none.
	Room() int64

	// Rest is called between two commits: a driver may do what it does from time to time.
	Rest()

	// Trim gives memory back that was read into. In a transaction only its own may be called.
	Trim()

	// Size is how many octets are stored, and how many more they take that hold nothing.
	Size() (used, free int64)

	// Check proves what is below the keys, and calls problem for each fault. Nothing is
	// committed meanwhile.
	Check(problem func(error)) error

	// Export writes a copy of one state, as a file that the driver opens. Writers go on
	// meanwhile. begin sees that state before the first octet, and how long the copy will be.
	Export(w io.Writer, begin func(t Txn, size int64) error) (n int64, err error)

	// Close ends the driver. sound is false if a commit failed: then nothing is written.
	Close(sound bool) error
}

// Txn is a transaction of a driver. What comes out of it dies with it, and is not to be
// changed.
type Txn interface {
	ID() int64 // grows with each commit; of one that reads, that of the last commit it sees

	Get(b Bucket, key []byte) []byte // nil: there is none
	Put(b Bucket, key, value []byte) error
	Delete(b Bucket, key []byte) error
	Cursor(b Bucket) Cursor
	Trim()

	// Commit returns when all is on disk. After ErrFull it is as if there had been no
	// transaction; after any other error nobody knows.
	Commit() error
	Rollback() error
}

// Cursor is a position in a bucket, whose keys are in the order of their octets. Its methods
// return nil keys at the end. After a change to the bucket only Seek, First and Last may be
// used.
type Cursor interface {
	First() (k, v []byte)
	Last() (k, v []byte)
	Seek(key []byte) (k, v []byte) // key, or the next one after it
	Next() (k, v []byte)
	Prev() (k, v []byte)
}
