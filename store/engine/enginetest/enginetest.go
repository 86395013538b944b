// Package enginetest proves that a driver keeps the contract of store/engine. Every driver
// runs the same suite in its tests:
//
//  1. group commit: what engine.DB promises to those who hand requests over;
//  2. faults: a driver that fails in its commit, and what engine.DB makes of it;
//  3. cursors in a transaction that has deleted, and readers while others write;
//  4. a model: random transactions, cursors, snapshots, copies and reopenings against a
//     plain map.
//
// What a driver does beyond the contract, its own tests prove.
package enginetest

import (
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"

	"relay/store/engine"
)

// Open opens the driver that is tested: it makes what is not there at path, and refuses
// what another has open with engine.ErrLocked.
type Open func(path string, buckets []string) (engine.Driver, error)

// names of the buckets that the suite uses.
var names = []string{"a", "b"}

// Run proves the driver that open opens.
func Run(t *testing.T, open Open) {
	s := suite{open}
	t.Run("group commit", s.group)
	t.Run("faults", s.faults)
	t.Run("cursors", s.cursors)
	t.Run("readers", s.readers)
	t.Run("model", s.model)
}

type suite struct{ open Open }

// driver opens one at a path of its own.
func (s suite) driver(t testing.TB) engine.Driver {
	t.Helper()
	return s.at(t, filepath.Join(t.TempDir(), "x.db"))
}

func (s suite) at(t testing.TB, path string) engine.Driver {
	t.Helper()
	d, err := s.open(path, names)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// cases run each in a bubble, in which the writer can be seen to wait.
func cases(t *testing.T, list map[string]func(*testing.T)) {
	for name, test := range list {
		t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
	}
}

// closing closes the DB at the end of the test.
func closing(t *testing.T, db *engine.DB) *engine.DB {
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return db
}

func update(db *engine.DB, fn func(*engine.Tx) error) error {
	return db.Update(engine.Write{Do: fn})
}

// put is a request that stores value under key.
func put(key, value string) func(*engine.Tx) error {
	return func(tx *engine.Tx) error { return tx.Put(0, []byte(key), []byte(value)) }
}

func get(t testing.TB, db *engine.DB, key string) (value string) {
	t.Helper()
	if err := db.View(func(tx *engine.Tx) error { value = string(tx.Get(0, []byte(key))); return nil }); err != nil {
		t.Fatal(err)
	}
	return value
}

// wants compares what is stored under key.
func wants(t testing.TB, db *engine.DB, key, value string) {
	t.Helper()
	if got := get(t, db, key); got != value {
		t.Errorf("%s = %q, want %q", key, got, value)
	}
}

// together hands requests over while the writer is busy, so that they wait and make one
// batch. It returns their errors.
func together(t *testing.T, db *engine.DB, list ...engine.Write) []error {
	t.Helper()
	var wg sync.WaitGroup
	release := make(chan struct{})
	wg.Go(func() {
		if err := update(db, func(*engine.Tx) error { <-release; return nil }); err != nil {
			t.Error(err)
		}
	})
	errs := make([]error, len(list))
	for i, w := range list {
		synctest.Wait() // they wait in this order
		wg.Go(func() { errs[i] = db.Update(w) })
	}
	synctest.Wait()
	close(release)
	wg.Wait()
	return errs
}
