package engine

import (
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"relay/store/meter"
)

// Options of a DB.
type Options struct {
	Flush    []func(*Tx) error // run before each commit, to write what rooms have collected
	Log      *slog.Logger      // nil: slog.Default()
	ReadOnly bool              // the driver takes no transaction that writes
}

// DB is a driver with group commit. Its methods may be called from any goroutine.
type DB struct {
	driver   Driver
	opt      Options
	requests chan *request
	idle     sync.Pool    // of requests
	closing  sync.RWMutex // held for reading while a request is handed over
	closed   bool
	writer   sync.WaitGroup
	failed   chan struct{}
	err      error // set before failed is closed
	broken   atomic.Bool
	left     int64 // room at the beginning of the last batch with a request that grows; the writer's
	commits  atomic.Int64
	reruns   atomic.Int64
	took     *meter.Histogram // nanoseconds of a commit
	batch    *meter.Histogram // requests in one
}

// Bounds of the histograms of commits.
var (
	tookBounds  = []time.Duration{time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 5 * time.Second}
	batchBounds = []int64{1, 2, 5, 10, 20, 50, 100, 200, maxRequests}
)

// New begins to take requests for a driver, which belongs to the DB from then on.
func New(d Driver, o Options) *DB {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	db := &DB{
		driver: d, opt: o,
		requests: make(chan *request, maxRequests),
		idle:     sync.Pool{New: newRequest},
		failed:   make(chan struct{}),
		took:     meter.Durations(tookBounds...),
		batch:    meter.NewHistogram(batchBounds...),
	}
	if !o.ReadOnly {
		db.writer.Go(db.write)
	}
	return db
}

// Close lets the waiting requests finish and closes the driver.
func (db *DB) Close() error {
	db.closing.Lock()
	if db.closed {
		db.closing.Unlock()
		return nil
	}
	db.closed = true
	close(db.requests)
	db.closing.Unlock()
	db.writer.Wait()
	return db.driver.Close(!db.broken.Load())
}

// View runs fn on one consistent state; writers go on meanwhile. It must be
// short: what is freed while it runs cannot be used again. A panic in it
// is an error, as it is of Update.
func (db *DB) View(fn func(*Tx) error) error {
	txn, err := db.driver.Begin(false)
	if err != nil {
		return err
	}
	err = run(fn, &Tx{db: db, txn: txn})
	if end := txn.Rollback(); err == nil {
		err = end
	}
	return err
}

// Export writes a copy of one state, as a file that the driver opens. Writers go on
// meanwhile, but what they free cannot be used again until it is over. begin sees that state
// before the first octet, and how long the copy will be; an error of its ends the copy.
func (db *DB) Export(w io.Writer, begin func(tx *Tx, size int64) error) (n int64, err error) {
	return db.driver.Export(w, func(txn Txn, size int64) error { return begin(&Tx{db: db, txn: txn}, size) })
}

// Check proves what is below the keys, and calls problem for each fault.
func (db *DB) Check(problem func(error)) error { return db.driver.Check(problem) }

// Size is how many octets are stored, and how many more they take that hold nothing.
func (db *DB) Size() (used, free int64) { return db.driver.Size() }

// Trim gives memory back that was read into.
func (db *DB) Trim() { db.driver.Trim() }

// Failed is closed when a commit failed so that nobody can say what is on disk.
func (db *DB) Failed() <-chan struct{} { return db.failed }

// Err says why, once Failed is closed.
func (db *DB) Err() error {
	select {
	case <-db.failed:
		return db.err
	default:
		return nil
	}
}

// fail is called by the writer, once.
func (db *DB) fail(err error) error {
	db.err = fmt.Errorf("the store can no longer be trusted: %w", err)
	db.broken.Store(true)
	db.opt.Log.Error("store failed", "err", db.err)
	close(db.failed)
	return db.err
}

// Commits counts the transactions written since New, and those that had to be
// rolled back and run again because one request spoilt them.
func (db *DB) Commits() (written, reruns int64) { return db.commits.Load(), db.reruns.Load() }

// Meters are what a DB counts of itself since New.
type Meters struct {
	Took    meter.Shape // nanoseconds of a commit
	Batch   meter.Shape // requests in a commit
	Reruns  int64       // see Commits
	Waiting int         // requests that wait for the writer
}

// Meters of this moment.
func (db *DB) Meters() Meters {
	return Meters{db.took.Shape(), db.batch.Shape(), db.reruns.Load(), len(db.requests)}
}
