package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func openTest(t testing.TB, path string, o Options) *DB {
	t.Helper()
	o.Buckets = []string{"a", "b"}
	db, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// blocked runs fn while the writer is busy, so that what fn hands over waits
// and makes one batch.
func blocked(t *testing.T, db *DB, fn func(wg *sync.WaitGroup)) {
	t.Helper()
	running, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		once := sync.OnceFunc(func() { close(running) })
		if err := db.Update(0, func(*Tx) error { once(); <-release; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-running
	fn(&wg)
	close(release)
	wg.Wait()
}

func get(t testing.TB, db *DB, key string) (value string) {
	t.Helper()
	if err := db.View(func(tx *Tx) error { value = string(tx.Get(0, []byte(key))); return nil }); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestDB_ErrorBeforeTheFirstWriteCostsTheBatchNothing(t *testing.T) {
	db := openTest(t, filepath.Join(t.TempDir(), "x.db"), Options{})
	defer db.Close()
	no := errors.New("no")
	runs := 0
	before, _ := db.Commits()
	blocked(t, db, func(wg *sync.WaitGroup) {
		for i := range 20 {
			queued := len(db.requests)
			wg.Go(func() {
				err := db.Update(0, func(tx *Tx) error {
					runs++ // only the writer runs it
					if i%2 == 0 {
						return no
					}
					return tx.Put(0, []byte(fmt.Sprint(i)), []byte("v"))
				})
				if (i%2 == 0) != errors.Is(err, no) {
					t.Errorf("request %d: %v", i, err)
				}
			})
			for len(db.requests) == queued {
				// The request is on its way to the writer's queue.
			}
		}
	})
	written, reruns := db.Commits()
	if runs != 20 || reruns != 0 || written-before != 1 {
		t.Errorf("%d runs, %d reruns, %d commits, want 20, 0, 1", runs, reruns, written-before)
	}
}

func TestDB_ErrorAfterAWriteIsRolledBackAlone(t *testing.T) {
	for name, spoil := range map[string]func() error{
		"error": func() error { return errors.New("no") },
		"panic": func() error { panic("no") },
	} {
		t.Run(name, func(t *testing.T) {
			db := openTest(t, filepath.Join(t.TempDir(), "x.db"), Options{})
			defer db.Close()
			blocked(t, db, func(wg *sync.WaitGroup) {
				for i := range 10 {
					wg.Go(func() {
						err := db.Update(0, func(tx *Tx) error {
							if err := tx.Put(0, []byte(fmt.Sprint(i)), []byte("v")); err != nil || i != 5 {
								return err
							}
							return spoil()
						})
						if (err != nil) != (i == 5) {
							t.Errorf("request %d: %v", i, err)
						}
					})
				}
			})
			for i := range 10 {
				if got := get(t, db, fmt.Sprint(i)); (got == "v") == (i == 5) {
					t.Errorf("key %d = %q", i, got)
				}
			}
		})
	}
}

// A reader that panics fails alone, and holds nothing back.
func TestDB_ViewPanics(t *testing.T) {
	db := openTest(t, filepath.Join(t.TempDir(), "x.db"), Options{})
	defer db.Close()
	if err := db.View(func(*Tx) error { panic("damaged") }); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("View = %v, want the panic as an error", err)
	}
	if err := db.Update(0, func(tx *Tx) error { return tx.Put(0, []byte("k"), []byte("v")) }); err != nil {
		t.Fatal(err)
	}
	if got := get(t, db, "k"); got != "v" {
		t.Errorf("key = %q afterwards", got)
	}
}

func TestDB_FlushSeesTheWholeTransaction(t *testing.T) {
	db := openTest(t, filepath.Join(t.TempDir(), "x.db"), Options{Flush: func(tx *Tx) error {
		n, _ := tx.Scratch.(int)
		return tx.Put(0, []byte("sum"), []byte(fmt.Sprint(n)))
	}})
	defer db.Close()
	blocked(t, db, func(wg *sync.WaitGroup) {
		for range 10 {
			wg.Go(func() {
				_ = db.Update(0, func(tx *Tx) error {
					n, _ := tx.Scratch.(int)
					tx.Scratch = n + 1
					tx.Touch()
					return nil
				})
			})
		}
	})
	if got := get(t, db, "sum"); got == "" || got == "0" {
		t.Errorf("sum = %q", got)
	}
}

func TestDB_ReserveIsKeptForTheOthers(t *testing.T) {
	db := openTest(t, filepath.Join(t.TempDir(), "x.db"), Options{Reserve: 1 << 62})
	defer db.Close()
	put := func(tx *Tx) error { return tx.Put(0, []byte("k"), []byte("v")) }
	if err := db.Grow(0, put); !errors.Is(err, ErrFull) || get(t, db, "k") != "" {
		t.Errorf("Grow below the reserve: %v", err)
	}
	if err := db.Update(0, put); err != nil || get(t, db, "k") != "v" {
		t.Errorf("Update below the reserve: %v", err)
	}
}

func TestDB_Close(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db := openTest(t, path, Options{})
	if _, err := Open(path, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("second Open: %v", err)
	}
	if err := db.Update(0, func(tx *Tx) error { return tx.Put(0, []byte("k"), []byte("v")) }); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if err := db.Update(0, func(*Tx) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("Update after Close: %v", err)
	}
	db = openTest(t, path, Options{})
	defer db.Close()
	if get(t, db, "k") != "v" {
		t.Error("lost over Close and Open")
	}
}

// Several processes that find no file must not each have one of their own.
func TestOpen_AtTheSameTime(t *testing.T) {
	for range 3 {
		path := filepath.Join(t.TempDir(), "relay.db")
		var wg sync.WaitGroup
		var mu sync.Mutex
		var open []*DB
		for range 8 {
			wg.Go(func() {
				db, err := Open(path, Options{Buckets: []string{"a"}})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					open = append(open, db)
				} else if !errors.Is(err, ErrLocked) {
					t.Errorf("Open = %v, want ErrLocked", err)
				}
			})
		}
		wg.Wait()
		if len(open) != 1 {
			t.Errorf("%d have the store", len(open))
		}
		for _, db := range open {
			_ = db.Close()
		}
	}
}

func TestOpen_TruncatedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db := openTest(t, path, Options{})
	for i := range 100 {
		if err := db.Update(0, func(tx *Tx) error { return tx.Put(0, fmt.Append(nil, i), make([]byte, 10_000)) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 500_000); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("Open of half a file: %v", err)
	}
}

func TestDB_CheckWhileOthersWrite(t *testing.T) {
	db := openTest(t, filepath.Join(t.TempDir(), "x.db"), Options{})
	defer db.Close()
	var wg sync.WaitGroup
	var stop atomic.Bool
	for w := range 4 {
		wg.Go(func() {
			for i := 0; !stop.Load(); i++ {
				key := fmt.Append(nil, w, i%50)
				err := db.Update(0, func(tx *Tx) error {
					if i%3 == 0 {
						return tx.Delete(0, key)
					}
					return tx.Put(0, key, make([]byte, i%9000))
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 20 {
		if err := db.Check(func(err error) { t.Errorf("Check of a sound file: %v", err) }); err != nil {
			t.Error(err)
		}
	}
	stop.Store(true)
	wg.Wait()
}

// A process that waits for the lock while the file is replaced must not go on with
// the one that has lost its name.
func TestOpen_FollowsTheName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	first := openTest(t, path, Options{})
	if err := first.Update(0, func(tx *Tx) error { return tx.Put(0, []byte("k"), []byte("old")) }); err != nil {
		t.Fatal(err)
	}
	other := openTest(t, path+".other", Options{})
	if err := other.Update(0, func(tx *Tx) error { return tx.Put(0, []byte("k"), []byte("new")) }); err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	opened := make(chan *DB)
	go func() {
		db, err := Open(path, Options{Buckets: []string{"a", "b"}})
		if err != nil {
			t.Errorf("Open of a file that is replaced meanwhile: %v", err)
		}
		opened <- db
	}()
	waitForOpen(t, path)
	if err := os.Rename(path+".other", path); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	db := <-opened
	if db == nil {
		return
	}
	defer db.Close()
	if got := get(t, db, "k"); got != "new" {
		t.Errorf("k = %q, it went on with the file that has no name any more", got)
	}
	if _, err := Open(path, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("the file with the name is not locked: %v", err)
	}
}

// waitForOpen waits until this process has opened the file once more.
func waitForOpen(t *testing.T, path string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("no /proc here")
		}
		n := 0
		for _, fd := range list {
			if to, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && to == path {
				n++
			}
		}
		if n >= 2 {
			return
		}
	}
	t.Fatal("Open does not wait for the lock")
}

func TestOpen_ReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	if _, err := Open(path, Options{ReadOnly: true}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Open of no file: %v", err)
	}
	db := openTest(t, path, Options{})
	for i := range 1000 {
		if err := db.Update(0, func(tx *Tx) error { return tx.Put(0, fmt.Append(nil, i%10), make([]byte, i)) }); err != nil {
			t.Fatal(err)
		}
	}
	copied := copyOf(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for what, path := range map[string]string{"after a clean stop": path, "as after a kill": copied} {
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		one, two := openTest(t, path, Options{ReadOnly: true}), openTest(t, path, Options{ReadOnly: true})
		if err := one.Check(func(err error) { t.Errorf("%s: %v", what, err) }); err != nil {
			t.Errorf("%s: Check: %v", what, err)
		}
		if get(t, two, "9") == "" {
			t.Errorf("%s: the record is not there", what)
		}
		if err := one.Update(0, func(*Tx) error { return nil }); err == nil {
			t.Errorf("%s: Update of a file that is only read", what)
		}
		if _, err := Open(path, Options{}); !errors.Is(err, ErrLocked) {
			t.Errorf("%s: Open for writing while others read: %v", what, err)
		}
		if err := errors.Join(one.Close(), two.Close()); err != nil {
			t.Errorf("%s: Close: %v", what, err)
		}
		if after, err := os.ReadFile(path); !bytes.Equal(before, after) || err != nil {
			t.Errorf("%s: the file was changed, %v", what, err)
		}
		if _, err := Open(path, Options{ReadOnly: true, Buckets: []string{"a", "b", "c"}}); !errors.Is(err, ErrOlder) {
			t.Errorf("%s: Open for a bucket that is not there: %v", what, err)
		}
	}
}

// copyOf is a copy of the open file.
func copyOf(t *testing.T, db *DB) string {
	t.Helper()
	var b bytes.Buffer
	var id, size int64
	n, err := db.Copy(&b, func(_ *Tx, i, s int64) error { id, size = i, s; return nil })
	if err != nil || n != size || n != int64(b.Len()) || id == 0 {
		t.Fatalf("Copy = %d, %v; announced were %d octets of transaction %d, there are %d", n, err, size, id, b.Len())
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Who takes the copy must know his own error again, wherever it comes.
func TestDB_Copy_errors(t *testing.T) {
	db := openTest(t, filepath.Join(t.TempDir(), "x.db"), Options{})
	defer db.Close()
	full := errors.New("full")
	begin := func(*Tx, int64, int64) error { return nil }
	for _, room := range []int{0, os.Getpagesize(), 2 * os.Getpagesize()} {
		if _, err := db.Copy(&small{room, full}, begin); !errors.Is(err, full) {
			t.Errorf("Copy to where %d octets fit: %v", room, err)
		}
	}
	if n, err := db.Copy(&small{0, full}, func(*Tx, int64, int64) error { return full }); n != 0 || !errors.Is(err, full) {
		t.Errorf("Copy that is not begun = %d, %v", n, err)
	}
}

// small takes so many octets, and then fails.
type small struct {
	room int
	err  error
}

func (s *small) Write(p []byte) (int, error) {
	if s.room -= len(p); s.room < 0 {
		return 0, s.err
	}
	return len(p), nil
}

func TestDB_Compact(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.db")
	db := openTest(t, path, Options{Appending: []Bucket{0}})
	defer db.Close()
	put := func(b Bucket, key string, size int) {
		t.Helper()
		if err := db.Update(0, func(tx *Tx) error { return tx.Put(b, []byte(key), make([]byte, size)) }); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 500 {
		put(0, fmt.Sprintf("%05d", i), 60_000)
		put(1, fmt.Sprint(i*7919%500), i)
	}
	put(1, "empty", 0)
	for i := range 500 {
		if i%10 > 0 {
			if err := db.Update(0, func(tx *Tx) error { return tx.Delete(0, fmt.Appendf(nil, "%05d", i)) }); err != nil {
				t.Fatal(err)
			}
		}
	}
	file, free := db.Size()
	told := int64(0)
	small := filepath.Join(dir, "small.db")
	if err := db.Compact(small, func(n int64) error { told += n; return nil }); err != nil {
		t.Fatal(err)
	}
	if want := int64(50 * 60_000); told < want || told > want+200_000 {
		t.Errorf("progress was told of %d octets, want a little over %d", told, want)
	}
	compact := openTest(t, small, Options{Appending: []Bucket{0}})
	defer compact.Close()
	if size, _ := compact.Size(); size > file-free+file/20 {
		t.Errorf("%d octets after compaction, before %d with %d free", size, file, free)
	}
	if err := compact.Check(func(err error) { t.Error(err) }); err != nil {
		t.Error(err)
	}
	if len(get(t, compact, "00490")) != 60_000 || get(t, compact, "00491") != "" {
		t.Error("the new file does not hold what the old one does")
	}

	stop := errors.New("stop")
	if err := db.Compact(filepath.Join(dir, "other.db"), func(int64) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("Compact that is told to stop: %v", err)
	}
}

// One record that is not the same must be found.
func TestDB_Compact_comparesEveryRecord(t *testing.T) {
	for what, change := range map[string]func(*Tx) error{
		"a value":       func(tx *Tx) error { return tx.Put(1, []byte("5"), []byte("w")) },
		"one too few":   func(tx *Tx) error { return tx.Delete(1, []byte("9")) },
		"one too many":  func(tx *Tx) error { return tx.Put(1, []byte("99"), []byte("v")) },
		"none in there": func(tx *Tx) error { return tx.Put(0, []byte("k"), []byte("v")) },
	} {
		dir := t.TempDir()
		fillTest := func(name string, change func(*Tx) error) *DB {
			db := openTest(t, filepath.Join(dir, name), Options{})
			err := db.Update(0, func(tx *Tx) error {
				for i := range 10 {
					if err := tx.Put(1, fmt.Append(nil, i), []byte("v")); err != nil {
						return err
					}
				}
				return change(tx)
			})
			if err != nil {
				t.Fatal(err)
			}
			return db
		}
		db := fillTest("a", func(*Tx) error { return nil })
		other := fillTest("b", change)
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		err := db.View(func(tx *Tx) error {
			_, err := db.equals(tx.tx, filepath.Join(dir, "b"), Options{Buckets: []string{"a", "b"}})
			return err
		})
		if err == nil {
			t.Errorf("%s: no difference was found", what)
		}
		_ = db.Close()
	}
}
