package store

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"relay/store/bolt"
	"relay/store/bucket"
	"relay/store/engine"
	ram "relay/store/engine/memory" // memory is a name of the store
)

var engineName = flag.String("engine", "bolt", "what keeps the octets of the tests' stores: bolt, or memory")

// disk is where stores in memory are.
var disk ram.Disk

func inMemory() bool { return *engineName == "memory" }

// openTest is Open on the engine that the tests run on.
func openTest(path string, o Options) (*Store, error) {
	if inMemory() {
		o.Driver = func(path string, _ []string) (engine.Driver, error) { return driveTest(path, &o) }
	}
	return Open(path, o)
}

// driveTest opens the engine alone.
func driveTest(path string, o *Options) (engine.Driver, error) {
	if inMemory() {
		return disk.Open(path, ram.Options{Buckets: bucket.Names, ReadOnly: o.ReadOnly, Reserve: o.Reserve, Free: o.Free})
	}
	return bolt.Open(path, bolt.Options{Buckets: bucket.Names, ReadOnly: o.ReadOnly, Reserve: o.Reserve, Free: o.Free})
}

// needsFile skips a test on an engine that has no file.
func needsFile(t testing.TB, why string) {
	t.Helper()
	if inMemory() {
		t.Skipf("a store in memory has no file: %s", why)
	}
}

// killedAs has a store at path to that is as a kill at this moment leaves the one at from.
func killedAs(to, from string) error {
	if inMemory() {
		return disk.Copy(to, from)
	}
	return copyFile(to, from)
}

// lose removes a store that is closed, as a person may.
func lose(path string) error {
	if inMemory() {
		disk.Forget(path)
		return nil
	}
	return os.Remove(path)
}

func copyFile(to, from string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	w, err := os.Create(to)
	if err != nil {
		return err
	}
	defer w.Close()
	_, err = w.ReadFrom(f)
	return err
}

// killed is the store as a kill at this moment leaves it, opened again.
func killed(t *testing.T, s *Store, c *clock) *Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "killed.db")
	if err := killedAs(path, s.path); err != nil {
		t.Fatal(err)
	}
	k := reopen(t, path, c)
	t.Cleanup(func() {
		verify(t, k)
		_ = k.Close()
	})
	return k
}
