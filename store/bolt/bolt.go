// Package bolt is the store's engine: ordered byte keys in named buckets on one
// bbolt file, with group commit. It is the only package that imports bbolt, so
// that a second engine can stand beside it.
//
// # Group commit
//
// One goroutine writes. It takes the requests that wait at the moment, runs
// them in one transaction, commits once, and answers all of them; while it
// syncs, the next ones gather. A lone request waits for nobody.
//
//   - A request that fails before its first write is answered with its error and
//     costs the others nothing.
//   - One that fails (or panics) after its first write has spoilt the
//     transaction: it is answered, the transaction is rolled back in memory, and
//     the others run again. Functions may therefore run more than once.
//   - A commit that finds the disk full fails everybody with ErrFull and leaves
//     the file as it was.
//   - Any other failure of a commit is fatal. After a failed sync nobody knows
//     what is on disk, and the new root may already be visible to readers: the
//     file accepts nothing more, Failed is closed, and the process must stop and
//     start again from what the disk holds.
package bolt

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Errors of the engine, for errors.Is.
var (
	ErrLocked = errors.New("another process holds the store")
	ErrFull   = errors.New("the disk is full")
	ErrClosed = errors.New("the store is closed")
	ErrOlder  = errors.New("the store was written by an older relay") // and is only to be read
)

// Bucket is an index into Options.Buckets.
type Bucket int

// Options of a file.
type Options struct {
	Buckets   []string        // names, made at Open where missing
	Appending []Bucket        // buckets whose keys grow with time
	Flush     func(*Tx) error // runs before each commit, to write what Tx.Scratch collected
	Reserve   int64           // octets of disk space below which Grow requests are refused; 0: 32 MiB
	Free      func() int64    // octets that the disk has free; nil: what its file system says
	Log       *slog.Logger
	ReadOnly  bool // nothing is written, nor can be; several may read, and nobody writes meanwhile
}

// DB is an open file. Its methods may be called from any goroutine.
type DB struct {
	db        *bbolt.DB
	file      *os.File // db's, to be read only
	path      string
	opt       Options
	appending []bool
	requests  chan *request
	closing   sync.RWMutex // held for reading while a request is handed over
	closed    bool
	writer    sync.WaitGroup
	failed    chan struct{}
	err       error // set before failed is closed
	broken    atomic.Bool
	trimmed   time.Time // last look at the mapped pages; the writer's
	left      int64     // room at the beginning of the last batch with a Grow; the writer's
	commits   atomic.Int64
	reruns    atomic.Int64
}

// Open opens or creates the file. It fails with ErrLocked when another process
// holds it, and with ErrOlder when it is only to be read and lacks a bucket.
func Open(path string, o Options) (*DB, error) {
	if o.Reserve == 0 {
		o.Reserve = 32 << 20
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if !o.ReadOnly {
		if err := create(path); err != nil {
			return nil, err
		}
	}
	b, file, err := open(path, o.ReadOnly)
	if err != nil {
		return nil, err
	}
	db := &DB{
		db: b, file: file, path: path, opt: o,
		appending: make([]bool, len(o.Buckets)),
		requests:  make(chan *request, maxRequests),
		failed:    make(chan struct{}),
	}
	for _, i := range o.Appending {
		db.appending[i] = true
	}
	if err := db.makeBuckets(); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	db.Trim()
	if !o.ReadOnly {
		db.writer.Go(db.write)
	}
	return db, nil
}

// open opens the file that has the name at the end of it: the lock is the file's,
// not the name's, and who waits for it may get it when a restore or a compaction
// has given the name to another file.
func open(path string, readOnly bool) (*bbolt.DB, *os.File, error) {
	for {
		if err := whole(path); err != nil {
			return nil, nil, err
		}
		var file *os.File
		db, err := openFile(path, readOnly, func(name string, flag int, mode os.FileMode) (*os.File, error) {
			f, err := os.OpenFile(name, flag&^os.O_CREATE, mode)
			file = f
			return f, err
		})
		if err != nil {
			return nil, nil, fmt.Errorf("open store %q: %w", path, err)
		}
		is, err := named(path, file)
		if is {
			return db, file, nil
		}
		if err = errors.Join(err, db.Close()); err != nil { // nothing was written to it
			return nil, nil, fmt.Errorf("open store %q: %w", path, err)
		}
	}
}

// named reports whether path is still the name of an open file.
func named(path string, file *os.File) (bool, error) {
	now, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	is, err := file.Stat()
	return err == nil && os.SameFile(now, is), err
}

// openFile chooses bbolt's options. Measured with BenchmarkOptions of this package
// and the million-message test:
//
//   - NoFreelistSync: with the list synced, every commit rewrites it, and after
//     a drained backlog it names hundreds of thousands of pages (a tenth of the
//     commits a second). Without it a start would have to walk the file, so
//     Close writes the list once; only a start after a kill walks.
//   - FreelistMapType: spans by size; allocation stays O(1) when a backlog has
//     come and gone, where the array is searched from its start.
//   - InitialMmapSize 64 GiB: address space only. Growing past the map would
//     need a lock that waits for every reader, a running backup among them.
//
// FillPercent 0.9 for buckets with keys that grow with time is set in Tx.bucket:
// half the file for the same messages.
func openFile(path string, readOnly bool, opener func(string, int, os.FileMode) (*os.File, error)) (*bbolt.DB, error) {
	opt := &bbolt.Options{
		Timeout:         time.Second,
		NoFreelistSync:  true,
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: 64 << 30,
		ReadOnly:        readOnly,
		PreLoadFreelist: true,
		OpenFile:        opener,
	}
	db, err := bbolt.Open(path, 0o600, opt)
	if err != nil && !errors.Is(err, berrors.ErrTimeout) { // a limit on address space, perhaps
		opt.InitialMmapSize = 1 << 30
		db, err = bbolt.Open(path, 0o600, opt)
	}
	if errors.Is(err, berrors.ErrTimeout) {
		err = ErrLocked
	}
	return db, err
}

// create makes the file if there is none. The folder is locked meanwhile, where
// its file system can: of two processes that start at once, one must not put its
// file over the other's.
func create(path string) error {
	if !missing(path) {
		return nil
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("create store %q: %w", path, err)
	}
	defer dir.Close()
	_ = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX)
	if !missing(path) {
		return nil
	}
	if err := errors.Join(makeFile(path), dir.Sync()); err != nil {
		return fmt.Errorf("create store %q: %w", path, err)
	}
	return nil
}

func missing(path string) bool {
	fi, err := os.Stat(path)
	return errors.Is(err, os.ErrNotExist) || err == nil && fi.Size() == 0
}

// makeFile makes a new file under another name first: a power loss while bbolt
// writes its first pages would leave a file that never opens again.
func makeFile(path string) error {
	tmp := path + ".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	db, err := bbolt.Open(tmp, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return err
	}
	if err := errors.Join(db.Sync(), db.Close()); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

func (db *DB) makeBuckets() error {
	missing := false
	err := db.db.View(func(tx *bbolt.Tx) error {
		for _, name := range db.opt.Buckets {
			missing = missing || tx.Bucket([]byte(name)) == nil
		}
		return nil
	})
	if err != nil || !missing {
		return err
	}
	if db.opt.ReadOnly {
		return fmt.Errorf("open store %q: %w", db.path, ErrOlder)
	}
	return db.db.Update(func(tx *bbolt.Tx) error {
		for _, name := range db.opt.Buckets {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return fmt.Errorf("bucket %s: %w", name, err)
			}
		}
		return nil
	})
}

// Close lets the waiting requests finish, writes the list of free pages, so
// that the next Open need not walk the file, and closes it.
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
	var err error
	if !db.opt.ReadOnly && !db.broken.Load() {
		db.db.NoFreelistSync = false
		err = db.db.Update(func(*bbolt.Tx) error { return nil })
	}
	return errors.Join(err, db.db.Close())
}

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

// Path of the file.
func (db *DB) Path() string { return db.path }

// Commits counts the transactions written since Open, and those that had to be
// rolled back and run again because one request spoilt them.
func (db *DB) Commits() (written, reruns int64) { return db.commits.Load(), db.reruns.Load() }

// Check proves the file's own structure and calls problem for each fault. Nobody
// can commit meanwhile: the list of free pages must stand still.
func (db *DB) Check(problem func(error)) error {
	tx, err := db.db.Begin(!db.opt.ReadOnly)
	if err != nil {
		return err
	}
	for err := range tx.Check() {
		problem(err)
	}
	return tx.Rollback()
}

// Size is the file's length and how much of it holds nothing, in octets.
func (db *DB) Size() (file, free int64) {
	if fi, err := os.Stat(db.path); err == nil {
		file = fi.Size()
	}
	_ = db.db.View(func(tx *bbolt.Tx) error {
		// Beyond the high water mark the file is a hole.
		file = min(file, tx.Size())
		return nil
	})
	return file, db.freeBytes()
}
