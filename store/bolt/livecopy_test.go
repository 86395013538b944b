package bolt

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"go.etcd.io/bbolt"

	"relay/store/engine"
)

func openCopied(t testing.TB, path string, o Options) opened {
	t.Helper()
	f, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	return opened{engine.New(f, engine.Options{ReadOnly: o.ReadOnly}), f}
}

// sameAs wants a copy to hold the same records, in a sound file with nothing free.
func sameAs(t *testing.T, db opened, path string) {
	t.Helper()
	err := db.File.db.View(func(tx *bbolt.Tx) error {
		o, err := db.likeness(tx)
		if err == nil {
			_, err = db.equals(tx, path, o)
		}
		return err
	})
	if err != nil {
		t.Errorf("the copy is not the same: %v", err)
	}
	c := openCopied(t, path, Options{ReadOnly: true, Buckets: db.opt.Buckets})
	defer c.Close()
	if err := c.Check(func(err error) { t.Errorf("the copy is not sound: %v", err) }); err != nil {
		t.Error(err)
	}
	if n := c.File.db.Stats().FreePageN + c.File.db.Stats().PendingPageN; n != 0 {
		t.Errorf("the copy has %d free pages", n)
	}
}

// A copy holds what is live, and nothing of what was deleted.
func TestFile_Export_holdsOnlyWhatIsLive(t *testing.T) {
	o := Options{Buckets: []string{"empty", "few", "many"}, Appending: []engine.Bucket{2}}
	db := openCopied(t, filepath.Join(t.TempDir(), "x.db"), o)
	defer db.Close()
	key := func(i int) []byte { return fmt.Appendf(nil, "%08d", i) }
	const deleted, kept, all = "deleted mail ", "mail that is kept ", 3000
	live := 0
	each := func(fn func(tx *engine.Tx, i int) error) {
		t.Helper()
		for from := 0; from < all; from += 300 {
			err := db.do(func(tx *engine.Tx) (err error) {
				for i := from; i < from+300 && err == nil; i++ {
					err = fn(tx, i)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	each(func(tx *engine.Tx, i int) error {
		text := deleted
		if i%100 == 0 {
			text, live = kept, live+16_000
		}
		return tx.Put(2, key(i), []byte(strings.Repeat(text, 16_000/len(text))))
	})
	each(func(tx *engine.Tx, i int) error {
		if i%100 == 0 {
			return nil
		}
		return tx.Delete(2, key(i))
	})
	path := copyOf(t, db)
	sameAs(t, db, path)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte(deleted)) || !bytes.Contains(text, []byte(kept)) {
		t.Error("the copy holds what was deleted, or not what was kept")
	}
	if most := live*5/4 + 20*os.Getpagesize(); len(text) > most {
		t.Errorf("the copy has %d octets for %d that are live, want at most %d", len(text), live, most)
	}
	file, _ := db.Size()
	t.Logf("%d octets of %d, %d live", len(text), file, live)
}

// Keys so long that the pages which point to others go on over several pages.
func TestFile_Export_longKeys(t *testing.T) {
	db := openCopied(t, filepath.Join(t.TempDir(), "x.db"), Options{Buckets: []string{"long"}})
	defer db.Close()
	err := db.do(func(tx *engine.Tx) error {
		for i := range 200 {
			if err := tx.Put(0, fmt.Appendf(nil, "%05d%s", i, strings.Repeat("k", 3000)), []byte("value")); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sameAs(t, db, copyOf(t, db))
}

// Whatever the trees are like, and whatever is written meanwhile.
func TestFile_Export_anyFile(t *testing.T) {
	o := Options{Buckets: []string{"a", "b", "c"}}
	path := filepath.Join(t.TempDir(), "x.db")
	db := openCopied(t, path, o)
	defer func() { db.Close() }()
	r := rand.New(rand.NewPCG(1, 2))
	change := func(r *rand.Rand) error {
		return db.do(func(tx *engine.Tx) error {
			for range r.IntN(200) {
				b, key := engine.Bucket(r.IntN(3)), fmt.Appendf(nil, "%0*d", 1+r.IntN(60), r.IntN(4000))
				if r.IntN(3) == 0 {
					if err := tx.Delete(b, key); err != nil {
						return err
					}
					continue
				}
				size := r.IntN(300)
				if r.IntN(20) == 0 {
					size = r.IntN(60_000)
				}
				if err := tx.Put(b, key, bytes.Repeat([]byte{byte(r.IntN(256))}, size)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for round := range 60 {
		if err := change(r); err != nil {
			t.Fatal(err)
		}
		if round%5 == 0 {
			sameAs(t, db, copyOf(t, db))
		}
		if round == 30 { // with a list of free pages on disk
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			db = openCopied(t, path, o)
		}
	}
	var stop atomic.Bool
	ended := make(chan error, 1)
	go func() {
		var err error
		for r := rand.New(rand.NewPCG(3, 4)); err == nil && !stop.Load(); {
			err = change(r)
		}
		ended <- err
	}()
	for range 5 {
		c := openCopied(t, copyOf(t, db), Options{ReadOnly: true, Buckets: o.Buckets})
		if err := c.Check(func(err error) { t.Errorf("a copy made meanwhile: %v", err) }); err != nil {
			t.Error(err)
		}
		c.Close()
	}
	stop.Store(true)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// A page that cannot be one ends the copy in words, whatever is in it.
func TestFile_Export_damaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db := openCopied(t, path, Options{Buckets: []string{"a"}})
	err := db.do(func(tx *engine.Tx) (err error) {
		for i := 0; i < 500 && err == nil; i++ {
			err = tx.Put(0, fmt.Appendf(nil, "%06d", i), make([]byte, 500))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "bad.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	size, r, refused := os.Getpagesize(), rand.New(rand.NewPCG(5, 6)), 0
	for range 300 {
		bad := bytes.Clone(sound)
		at := 2*size + r.IntN((len(bad)/size-2)*size)
		at -= at % size
		for range 1 + r.IntN(8) {
			bad[at+r.IntN(48)] = byte(r.IntN(256))
		}
		c := &copier{file: file, size: size, pages: uint64(len(sound) / size), next: firstPage}
		if _, err := file.WriteAt(bad, 0); err != nil {
			t.Fatal(err)
		}
		root := native.Uint64(sound[headerSize+16:])
		if other := sound[size:]; native.Uint64(other[headerSize+48:]) > native.Uint64(sound[headerSize+48:]) {
			root = native.Uint64(other[headerSize+16:])
		}
		if _, walk := c.tree(root, 0); walk != nil {
			refused++
		}
	}
	if refused == 0 {
		t.Error("no damage was noticed")
	}
}
