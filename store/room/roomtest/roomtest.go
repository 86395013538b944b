// Package roomtest gives the tests of a room a store of their own: an engine, in memory or on a file,
// and a clock that stands still until the test moves it.
package roomtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"relay/store/bolt"
	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/engine/memory"
	"relay/store/room"
	"relay/store/testdisk"
)

// Begin is the instant at which the clock of a new store stands.
var Begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Store is a store for a test. It is closed at the end of the test.
type Store struct {
	*room.DB

	on    disk
	path  string
	flush []func(*engine.Tx) error
	world *world
}

// world is what a store and those that are copied from it share.
type world struct {
	clock  atomic.Int64 // nanoseconds since Begin
	full   atomic.Bool  // the disk has no room for new mail
	killed int
}

// free is how many octets the disk has free.
func (w *world) free() int64 {
	if w.full.Load() {
		return 0
	}
	return 1 << 40
}

// disk is where stores lie, by path.
type disk interface {
	open(path string, free func() int64) (engine.Driver, error)
	copied(to, from string) error
}

// inMemory is a disk that forgets.
type inMemory struct{ memory.Disk }

func (d *inMemory) open(path string, free func() int64) (engine.Driver, error) {
	return d.Open(path, memory.Options{Buckets: bucket.Names, Free: free})
}

func (d *inMemory) copied(to, from string) error { return d.Copy(to, from) }

// onFile is a folder with a file for each store.
type onFile struct{ dir string }

func (d onFile) open(path string, free func() int64) (engine.Driver, error) {
	return bolt.Open(filepath.Join(d.dir, path), bolt.Options{Buckets: bucket.Names, Free: free})
}

func (d onFile) copied(to, from string) error {
	is, err := os.ReadFile(filepath.Join(d.dir, from))
	return errors.Join(err, os.WriteFile(filepath.Join(d.dir, to), is, 0o600))
}

// Open makes an empty store in memory that runs these flushes.
func Open(t testing.TB, flush ...func(*engine.Tx) error) *Store {
	t.Helper()
	return open(t, &Store{on: new(inMemory), path: "relay.db", flush: flush, world: new(world)})
}

// OpenFile makes one on a file, as a relay has it.
func OpenFile(t testing.TB, flush ...func(*engine.Tx) error) *Store {
	t.Helper()
	return open(t, &Store{on: onFile{testdisk.Dir(t)}, path: "relay.db", flush: flush, world: new(world)})
}

func open(t testing.TB, s *Store) *Store {
	t.Helper()
	driver, err := s.on.open(s.path, s.world.free)
	if err != nil {
		t.Fatal(err)
	}
	s.DB = room.NewDB(engine.New(driver, engine.Options{Flush: s.flush}), func() (wall, books time.Time) { return s.Now(), s.Now() })
	t.Cleanup(func() { s.Close(t) })
	return s
}

// Close ends the store before its test does.
func (s *Store) Close(t testing.TB) {
	t.Helper()
	if err := s.Engine().Close(); err != nil {
		t.Error(err)
	}
}

// Now is the instant of both clocks.
func (s *Store) Now() time.Time { return Begin.Add(time.Duration(s.world.clock.Load())) }

// Pass moves both clocks on.
func (s *Store) Pass(by time.Duration) { s.world.clock.Add(int64(by)) }

// Fill says whether the disk is full from now on, as far as new mail is concerned.
func (s *Store) Fill(full bool) { s.world.full.Store(full) }

// Killed is the store as it is after a kill at this instant and a new start. It has the same
// clock. The store itself goes on, and nothing of it may be in progress.
func (s *Store) Killed(t testing.TB) *Store {
	t.Helper()
	s.world.killed++
	to := fmt.Sprintf("killed-%d.db", s.world.killed)
	if err := s.on.copied(to, s.path); err != nil {
		t.Fatal(err)
	}
	return open(t, &Store{on: s.on, path: to, flush: s.flush, world: s.world})
}

// Do runs fn in a transaction, which has to succeed.
func (s *Store) Do(t testing.TB, fn func(*room.Tx) error) {
	t.Helper()
	if err := s.Update(0, func(tx room.Tx) error { return fn(&tx) }); err != nil {
		t.Fatal(err)
	}
}

// AddAccounts stores accounts of which nothing is known but their names.
func (s *Store) AddAccounts(t testing.TB, names ...string) {
	t.Helper()
	s.Do(t, func(tx *room.Tx) error {
		for _, name := range names {
			if err := tx.Put(bucket.Accounts, []byte(name), []byte("{}")); err != nil {
				return err
			}
		}
		return nil
	})
}

// Keys of a bucket, in order.
func (s *Store) Keys(t testing.TB, b engine.Bucket) (keys []string) {
	t.Helper()
	err := s.View(func(tx room.Tx) error {
		c := tx.Cursor(b)
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			keys = append(keys, string(k))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// Dump is every record of the store, by bucket and key.
func (s *Store) Dump(t interface {
	Helper()
	Fatal(...any)
}) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := s.View(func(tx room.Tx) error {
		for b, name := range bucket.Names {
			c := tx.Cursor(engine.Bucket(b))
			for k, v := c.First(); k != nil; k, v = c.Next() {
				all[name+" "+string(k)] = string(v)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
