package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"relay/store/engine"
	"relay/store/engine/enginetest"
)

// opened is a File with the group commit that relay uses it with.
type opened struct {
	*engine.DB
	*File
}

func (o opened) Close() error                       { return o.DB.Close() }
func (o opened) Check(problem func(error)) error    { return o.DB.Check(problem) }
func (o opened) Size() (file, free int64)           { return o.DB.Size() }
func (o opened) do(fn func(*engine.Tx) error) error { return o.Update(engine.Write{Do: fn}) }
func (o opened) grow(fn func(*engine.Tx) error) error {
	return o.Update(engine.Write{Do: fn, Grows: true})
}

func openTest(t testing.TB, path string, o Options) opened {
	t.Helper()
	o.Buckets = []string{"a", "b"}
	return openCopied(t, path, o)
}

func get(t testing.TB, db opened, key string) (value string) {
	t.Helper()
	if err := db.View(func(tx *engine.Tx) error { value = string(tx.Get(0, []byte(key))); return nil }); err != nil {
		t.Fatal(err)
	}
	return value
}

// A file keeps the contract of every driver.
func TestFile(t *testing.T) {
	enginetest.Run(t, func(path string, buckets []string) (engine.Driver, error) {
		return Open(path, Options{Buckets: buckets, Appending: []engine.Bucket{1}})
	})
}

func TestFile_Room(t *testing.T) {
	for what, c := range map[string]struct{ free, reserve, least, most int64 }{
		"as much as is free": {1000 << 20, 1, 1000<<20 - 1, 1001 << 20},
		"without a reserve":  {1000 << 20, 0, 968 << 20, 969 << 20},
		"below the reserve":  {1000 << 20, 1 << 62, -1 << 62, -1},
	} {
		f, err := Open(filepath.Join(t.TempDir(), "x.db"), Options{Reserve: c.reserve, Free: func() int64 { return c.free }})
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Room(); got < c.least || got > c.most {
			t.Errorf("%s: Room = %d, want %d to %d", what, got, c.least, c.most)
		}
		if err := f.Close(true); err != nil {
			t.Error(err)
		}
	}
}

// Several processes that find no file must not each have one of their own.
func TestOpen_AtTheSameTime(t *testing.T) {
	t.Parallel()
	for range 3 {
		path := filepath.Join(t.TempDir(), "relay.db")
		var wg sync.WaitGroup
		var mu sync.Mutex
		var open []*File
		for range 8 {
			wg.Go(func() {
				db, err := Open(path, Options{Buckets: []string{"a"}})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					open = append(open, db)
				} else if !errors.Is(err, engine.ErrLocked) {
					t.Errorf("Open = %v, want engine.ErrLocked", err)
				}
			})
		}
		wg.Wait()
		if len(open) != 1 {
			t.Errorf("%d have the store", len(open))
		}
		for _, f := range open {
			_ = f.Close(true)
		}
	}
}

func TestOpen_TruncatedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db := openTest(t, path, Options{})
	for i := range 100 {
		if err := db.do(func(tx *engine.Tx) error { return tx.Put(0, fmt.Append(nil, i), make([]byte, 10_000)) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 500_000); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{}); !errors.Is(err, engine.ErrDamaged) {
		t.Errorf("Open of half a file: %v", err)
	}
}

// A process that waits for the lock while the file is replaced must not go on with
// the one that has lost its name.
func TestOpen_FollowsTheName(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	first := openTest(t, path, Options{})
	if err := first.do(func(tx *engine.Tx) error { return tx.Put(0, []byte("k"), []byte("old")) }); err != nil {
		t.Fatal(err)
	}
	other := openTest(t, path+".other", Options{})
	if err := other.do(func(tx *engine.Tx) error { return tx.Put(0, []byte("k"), []byte("new")) }); err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	got := make(chan opened)
	go func() {
		db, err := Open(path, Options{Buckets: []string{"a", "b"}})
		if err != nil {
			t.Errorf("Open of a file that is replaced meanwhile: %v", err)
			close(got)
			return
		}
		got <- opened{engine.New(db, engine.Options{}), db}
	}()
	waitForOpen(t, path)
	if err := os.Rename(path+".other", path); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	db := <-got
	if db.File == nil {
		return
	}
	defer db.Close()
	if got := get(t, db, "k"); got != "new" {
		t.Errorf("k = %q, it went on with the file that has no name any more", got)
	}
	if _, err := Open(path, Options{}); !errors.Is(err, engine.ErrLocked) {
		t.Errorf("the file with the name is not locked: %v", err)
	}
}

// waitForOpen waits until this process has opened the file once more.
func waitForOpen(t *testing.T, path string) {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
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
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	if _, err := Open(path, Options{ReadOnly: true}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Open of no file: %v", err)
	}
	db := openTest(t, path, Options{})
	for i := range 1000 {
		if err := db.do(func(tx *engine.Tx) error { return tx.Put(0, fmt.Append(nil, i%10), make([]byte, i)) }); err != nil {
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
		if err := one.do(func(*engine.Tx) error { return nil }); err == nil {
			t.Errorf("%s: Update of a file that is only read", what)
		}
		if _, err := Open(path, Options{}); !errors.Is(err, engine.ErrLocked) {
			t.Errorf("%s: Open for writing while others read: %v", what, err)
		}
		if err := errors.Join(one.Close(), two.Close()); err != nil {
			t.Errorf("%s: Close: %v", what, err)
		}
		if after, err := os.ReadFile(path); !bytes.Equal(before, after) || err != nil {
			t.Errorf("%s: the file was changed, %v", what, err)
		}
		if _, err := Open(path, Options{ReadOnly: true, Buckets: []string{"a", "b", "c"}}); !errors.Is(err, engine.ErrOlder) {
			t.Errorf("%s: Open for a bucket that is not there: %v", what, err)
		}
	}
}

// copyOf is a copy of the open file.
func copyOf(t *testing.T, db opened) string {
	t.Helper()
	var b bytes.Buffer
	var id, size int64
	n, err := db.DB.Export(&b, func(tx *engine.Tx, s int64) error { id, size = tx.ID(), s; return nil })
	if err != nil || n != size || n != int64(b.Len()) || id == 0 {
		t.Fatalf("Export = %d, %v; announced were %d octets of transaction %d, there are %d", n, err, size, id, b.Len())
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// An error of the writer that takes the copy comes back as it is, wherever it happens.
func TestFile_Export_errors(t *testing.T) {
	db := openTest(t, filepath.Join(t.TempDir(), "x.db"), Options{})
	defer db.Close()
	full := errors.New("full")
	begin := func(*engine.Tx, int64) error { return nil }
	for _, room := range []int{0, os.Getpagesize(), 2 * os.Getpagesize()} {
		if _, err := db.DB.Export(&small{room, full}, begin); !errors.Is(err, full) {
			t.Errorf("Export to where %d octets fit: %v", room, err)
		}
	}
	if n, err := db.DB.Export(&small{0, full}, func(*engine.Tx, int64) error { return full }); n != 0 || !errors.Is(err, full) {
		t.Errorf("Export that is not begun = %d, %v", n, err)
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

func TestFile_Compact(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "x.db")
	db := openTest(t, path, Options{Appending: []engine.Bucket{0}})
	defer db.Close()
	put := func(b engine.Bucket, key string, size int) {
		t.Helper()
		if err := db.do(func(tx *engine.Tx) error { return tx.Put(b, []byte(key), make([]byte, size)) }); err != nil {
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
			if err := db.do(func(tx *engine.Tx) error { return tx.Delete(0, fmt.Appendf(nil, "%05d", i)) }); err != nil {
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
	compact := openTest(t, small, Options{Appending: []engine.Bucket{0}})
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
func TestFile_Compact_comparesEveryRecord(t *testing.T) {
	for what, change := range map[string]func(*engine.Tx) error{
		"a value":       func(tx *engine.Tx) error { return tx.Put(1, []byte("5"), []byte("w")) },
		"one too few":   func(tx *engine.Tx) error { return tx.Delete(1, []byte("9")) },
		"one too many":  func(tx *engine.Tx) error { return tx.Put(1, []byte("99"), []byte("v")) },
		"none in there": func(tx *engine.Tx) error { return tx.Put(0, []byte("k"), []byte("v")) },
	} {
		dir := t.TempDir()
		fillTest := func(name string, change func(*engine.Tx) error) opened {
			db := openTest(t, filepath.Join(dir, name), Options{})
			err := db.do(func(tx *engine.Tx) error {
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
		db := fillTest("a", func(*engine.Tx) error { return nil })
		other := fillTest("b", change)
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		err := db.File.db.View(func(tx *bbolt.Tx) error {
			_, err := db.equals(tx, filepath.Join(dir, "b"), Options{Buckets: []string{"a", "b"}})
			return err
		})
		if err == nil {
			t.Errorf("%s: no difference was found", what)
		}
		_ = db.Close()
	}
}
