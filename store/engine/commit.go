package engine

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"
)

// A transaction takes at most so many requests and so many octets: drivers keep it
// in memory until it is written.
const (
	maxRequests = 256
	MaxWeight   = 8 << 20
)

var errReadOnly = errors.New("the store was opened to be read only")

// Write is a request to change something.
type Write struct {
	Do     func(*Tx) error // may run more than once and must not block
	Weight int             // about how many octets it writes
	Grows  bool            // it fills the disk with new mail: ErrFull while there is room left for others to finish
}

// request is a Write that waits for its answer. The writer does not touch it any more once
// it has answered: then it is free for another.
type request struct {
	Write
	err  error
	done chan struct{} // capacity 1
}

func newRequest() any { return &request{done: make(chan struct{}, 1)} }

// answer lets the one that waits go on.
func (r *request) answer() { r.done <- struct{}{} }

// Update runs w in a transaction and returns when that is on disk.
func (db *DB) Update(w Write) error {
	if db.opt.ReadOnly {
		return errReadOnly
	}
	db.closing.RLock()
	if db.closed {
		db.closing.RUnlock()
		return ErrClosed
	}
	r := db.idle.Get().(*request)
	r.Write = w
	db.requests <- r
	db.closing.RUnlock()
	<-r.done
	err := r.err
	r.Write, r.err = Write{}, nil
	db.idle.Put(r)
	return err
}

// write is the one goroutine that commits.
func (db *DB) write() {
	batch := make([]*request, 0, maxRequests)
	for r := range db.requests {
		batch = append(batch[:0], r)
		weight := r.Weight
		runtime.Gosched() // goroutines that are about to ask come into this batch; it costs nothing where none is ready
	gather:
		for len(batch) < maxRequests && weight < MaxWeight {
			select {
			case r, ok := <-db.requests:
				if !ok {
					break gather
				}
				batch = append(batch, r)
				weight += r.Weight
			default:
				break gather
			}
		}
		db.commit(batch)
		clear(batch)
		db.driver.Rest()
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
				r.answer()
			}
			return
		}
		db.reruns.Add(1)
		batch[spoilt].answer()
		batch = append(batch[:spoilt], batch[spoilt+1:]...)
	}
}

// refuse answers what the disk has no room for.
func (db *DB) refuse(batch []*request) []*request {
	full, asked := false, false
	rest := batch[:0]
	for _, r := range batch {
		if r.Grows && !asked {
			db.left = db.driver.Room()
			full, asked = db.left < 0, true
		}
		if r.Grows && full {
			r.err = ErrFull
			r.answer()
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
	txn, err := db.driver.Begin(true)
	if err != nil {
		return -1, err
	}
	tx := &Tx{db: db, txn: txn}
	wrote := false
	for i, r := range batch {
		tx.dirty = false
		r.err = run(r.Do, tx)
		if r.err != nil && tx.dirty {
			return i, txn.Rollback()
		}
		wrote = wrote || tx.dirty
	}
	if !wrote {
		return -1, txn.Rollback()
	}
	for _, flush := range db.opt.Flush {
		if err := run(flush, tx); err != nil {
			return -1, errors.Join(err, txn.Rollback())
		}
	}
	return -1, db.end(tx, len(batch))
}

// end commits.
func (db *DB) end(tx *Tx, requests int) error {
	start := time.Now()
	if err := tx.txn.Commit(); errors.Is(err, ErrFull) {
		return err
	} else if err != nil {
		return db.fail(err)
	}
	for _, fn := range tx.onCommit {
		fn()
	}
	db.commits.Add(1)
	db.took.Observe(int64(time.Since(start)))
	db.batch.Observe(int64(requests))
	return nil
}

// run turns a panic into an error; what the function wrote before is rolled
// back as after any error.
func run(fn func(*Tx) error, tx *Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			tx.dirty = true
			err = fmt.Errorf("panic in a transaction: %v\n%s", p, debug.Stack())
		}
		if fault := tx.Fault(); err == nil {
			err = fault
		}
	}()
	return fn(tx)
}
