package bolt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
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
