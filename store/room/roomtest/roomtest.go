// Package roomtest gives the tests of a room a store of their own: an engine in memory, and a
// clock that stands still until the test moves it.
package roomtest

import (
	"sync/atomic"
	"testing"
	"time"

	"relay/store/bucket"
	"relay/store/engine"
	"relay/store/engine/memory"
	"relay/store/room"
)

// Begin is the instant at which the clock of a new store stands.
var Begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Store is a store in memory. It is closed at the end of the test.
type Store struct {
	*room.DB

	disk  *memory.Disk
	path  string
	flush []func(*engine.Tx) error
	clock *atomic.Int64 // nanoseconds since Begin
}

// Open makes an empty store that runs these flushes.
func Open(t testing.TB, flush ...func(*engine.Tx) error) *Store {
	t.Helper()
	return open(t, new(memory.Disk), "relay.db", flush, new(atomic.Int64))
}

func open(t testing.TB, disk *memory.Disk, path string, flush []func(*engine.Tx) error, clock *atomic.Int64) *Store {
	t.Helper()
	driver, err := disk.Open(path, memory.Options{Buckets: bucket.Names})
	if err != nil {
		t.Fatal(err)
	}
	s := &Store{disk: disk, path: path, flush: flush, clock: clock}
	s.DB = room.NewDB(engine.New(driver, engine.Options{Flush: flush}), func() (wall, books time.Time) { return s.Now(), s.Now() })
	t.Cleanup(func() {
		if err := s.Engine().Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Now is the instant of both clocks.
func (s *Store) Now() time.Time { return Begin.Add(time.Duration(s.clock.Load())) }

// Pass moves both clocks on.
func (s *Store) Pass(by time.Duration) { s.clock.Add(int64(by)) }

// Killed is the store as it is after a kill at this instant and a new start. It has the same
// clock. The store itself goes on, and may be killed once.
func (s *Store) Killed(t testing.TB) *Store {
	t.Helper()
	copied := "killed " + s.path
	if err := s.disk.Copy(copied, s.path); err != nil {
		t.Fatal(err)
	}
	return open(t, s.disk, copied, s.flush, s.clock)
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
