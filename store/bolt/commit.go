package bolt

import (
	"errors"
	"fmt"
	"runtime/debug"
	"syscall"

	"go.etcd.io/bbolt"
)

// A transaction takes at most so many requests and so many octets: its pages
// lie on the heap until it is written.
const (
	maxRequests = 256
	maxWeight   = 8 << 20
)

var errReadOnly = errors.New("the store was opened to be read only")

type request struct {
	fn     func(*Tx) error
	weight int
	grows  bool
	err    error
	done   chan struct{}
}

// Update runs fn in a transaction and returns when it is on disk. fn may run
// more than once and must not block; weight is about how many octets it writes.
func (db *DB) Update(weight int, fn func(*Tx) error) error {
	return db.submit(&request{fn: fn, weight: weight})
}

// Grow is Update for what fills the disk with new mail: it is refused with
// ErrFull while there is room left for the others to finish.
func (db *DB) Grow(weight int, fn func(*Tx) error) error {
	return db.submit(&request{fn: fn, weight: weight, grows: true})
}

func (db *DB) submit(r *request) error {
	if db.opt.ReadOnly {
		return errReadOnly
	}
	r.done = make(chan struct{})
	db.closing.RLock()
	if db.closed {
		db.closing.RUnlock()
		return ErrClosed
	}
	db.requests <- r
	db.closing.RUnlock()
	<-r.done
	return r.err
}

// write is the one goroutine that commits.
func (db *DB) write() {
	batch := make([]*request, 0, maxRequests)
	for r := range db.requests {
		batch = append(batch[:0], r)
		weight := r.weight
	gather:
		for len(batch) < maxRequests && weight < maxWeight {
			select {
			case r, ok := <-db.requests:
				if !ok {
					break gather
				}
				batch = append(batch, r)
				weight += r.weight
			default:
				break gather
			}
		}
		db.commit(batch)
		clear(batch)
		db.keepTrim()
	}
}

// commit runs the batch until all of it is answered.
func (db *DB) commit(batch []*request) {
	batch = db.refuse(batch)
	for len(batch) > 0 {
		spoilt, err := db.try(batch)
		if spoilt < 0 {
			for _, r := range batch {
				if err != nil {
					r.err = err
				}
				close(r.done)
			}
			return
		}
		db.reruns.Add(1)
		close(batch[spoilt].done)
		batch = append(batch[:spoilt], batch[spoilt+1:]...)
	}
}

// refuse answers what the disk has no room for.
func (db *DB) refuse(batch []*request) []*request {
	full, asked := false, false
	rest := batch[:0]
	for _, r := range batch {
		if r.grows && !asked {
			db.left = db.room()
			full, asked = db.left < 0, true
		}
		if r.grows && full {
			r.err = ErrFull
			close(r.done)
			continue
		}
		rest = append(rest, r)
	}
	return rest
}

// try runs the batch in one transaction. spoilt is the index of a request that
// failed after its first write, with its error stored; -1 when the transaction
// came to its end, err being what all of them get.
func (db *DB) try(batch []*request) (spoilt int, err error) {
	if err := db.Err(); err != nil {
		return -1, err
	}
	btx, err := db.db.Begin(true)
	if err != nil {
		return -1, err
	}
	tx := db.newTx(btx)
	wrote := false
	for i, r := range batch {
		tx.dirty = false
		r.err = run(r.fn, tx)
		if r.err != nil && tx.dirty {
			return i, errors.Join(nil, btx.Rollback())
		}
		wrote = wrote || tx.dirty
	}
	if !wrote {
		return -1, btx.Rollback()
	}
	if db.opt.Flush != nil {
		if err := run(db.opt.Flush, tx); err != nil {
			return -1, errors.Join(err, btx.Rollback())
		}
	}
	if err := btx.Commit(); err != nil {
		return -1, db.commitError(err, tx.id)
	}
	db.commits.Add(1)
	return -1, nil
}

// run turns a panic into an error; what the function wrote before is rolled
// back as after any error.
func run(fn func(*Tx) error, tx *Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			tx.dirty = true
			err = fmt.Errorf("panic in a transaction: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(tx)
}

// commitError tells a full disk, which leaves the file as it was, from
// everything else, which is fatal.
func (db *DB) commitError(err error, id int) error {
	if noRoom(err) && !db.visible(id) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	db.err = fmt.Errorf("store %q can no longer be trusted: %w", db.path, err)
	db.broken.Store(true)
	db.opt.Log.Error("store failed", "err", db.err)
	close(db.failed)
	return db.err
}

func noRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// visible reports whether readers see the transaction although its commit failed.
func (db *DB) visible(id int) (seen bool) {
	err := db.db.View(func(tx *bbolt.Tx) error {
		seen = tx.ID() >= id
		return nil
	})
	return seen || err != nil
}
