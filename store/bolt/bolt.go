package bolt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"relay/store/engine"
)

// Options of a file.
type Options struct {
	Buckets   []string        // names, made at Open where missing
	Appending []engine.Bucket // buckets whose keys grow with time
	Reserve   int64           // octets of disk space that new mail leaves free; 0: 32 MiB
	Free      func() int64    // octets that the disk has free; nil: what its file system says
	ReadOnly  bool            // nothing is written, nor can be; several may read, and nobody writes meanwhile
}

// File is an open file: a driver. Its methods may be called from any goroutine, but for Rest.
type File struct {
	db        *bbolt.DB
	file      *os.File // db's, to be read only
	path      string
	opt       Options
	appending []bool
	looked    sync.Pool // of lists of a transaction's buckets
	trimmed   time.Time // last look at the mapped pages; Rest's
}

var _ engine.Driver = (*File)(nil)

// Open opens or creates the file. It fails with engine.ErrLocked when another process
// holds it, with engine.ErrOlder when it is only to be read and lacks a bucket, and with
// engine.ErrDamaged when it cannot be a store.
func Open(path string, o Options) (*File, error) {
	if o.Reserve == 0 {
		o.Reserve = 32 << 20
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
	f := &File{db: b, file: file, path: path, opt: o, appending: make([]bool, len(o.Buckets))}
	f.looked.New = func() any { list := make([]bucket, len(o.Buckets)); return &list }
	for _, i := range o.Appending {
		f.appending[i] = true
	}
	if err := f.makeBuckets(); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	f.Trim()
	return f, nil
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
// FillPercent 0.9 for buckets with keys that grow with time is set in txn.bucket:
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
		err = engine.ErrLocked
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

func (f *File) makeBuckets() error {
	missing := false
	err := f.db.View(func(tx *bbolt.Tx) error {
		for _, name := range f.opt.Buckets {
			missing = missing || tx.Bucket([]byte(name)) == nil
		}
		return nil
	})
	if err != nil || !missing {
		return err
	}
	if f.opt.ReadOnly {
		return fmt.Errorf("open store %q: %w", f.path, engine.ErrOlder)
	}
	return f.db.Update(func(tx *bbolt.Tx) error {
		for _, name := range f.opt.Buckets {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return fmt.Errorf("bucket %s: %w", name, err)
			}
		}
		return nil
	})
}

// Close writes the list of free pages, if the file is sound, so that the next Open need not
// walk the file, and closes it.
func (f *File) Close(sound bool) error {
	var err error
	if sound && !f.opt.ReadOnly {
		f.db.NoFreelistSync = false
		err = f.db.Update(func(*bbolt.Tx) error { return nil })
	}
	return errors.Join(err, f.db.Close())
}

// Check proves the file's own structure and calls problem for each fault. Nobody
// can commit meanwhile: the list of free pages must stand still.
func (f *File) Check(problem func(error)) error {
	tx, err := f.db.Begin(!f.opt.ReadOnly)
	if err != nil {
		return err
	}
	for err := range tx.Check() {
		problem(err)
	}
	return tx.Rollback()
}

// Size is the file's length and how much of it holds nothing, in octets.
func (f *File) Size() (file, free int64) {
	if fi, err := os.Stat(f.path); err == nil {
		file = fi.Size()
	}
	_ = f.db.View(func(tx *bbolt.Tx) error {
		// Beyond the high water mark the file is a hole.
		file = min(file, tx.Size())
		return nil
	})
	return file, f.freeBytes()
}
