package proof

import (
	"errors"
	"fmt"

	"relay/cli/exit"
	"relay/report/words"
	"relay/store"
	"relay/store/bolt"
)

// ErrDamaged is a store's file that cannot be read as one.
var ErrDamaged = exit.Sentinel(exit.Failed,
	"restore a backup: relay restore FILE; keep the damaged file, to find out why", "the file is damaged")

// Guard runs fn, which reads the store at path, and returns ErrDamaged when a fault of the
// file ends it.
func Guard(path string, fn func() error) error {
	err := bolt.Guard(fn)
	if fault, ok := errors.AsType[*bolt.Fault](err); ok {
		return fmt.Errorf("store %q: %w: %v", path, ErrDamaged, fault.Value)
	}
	return err
}

// Use runs fn on the open store at path and closes the store. A store whose file turns out
// to be damaged is left alone.
func Use(path string, st *store.Store, fn func(*store.Store) error) error {
	err := Guard(path, func() error { return fn(st) })
	if errors.Is(err, ErrDamaged) {
		return err
	}
	return errors.Join(err, Guard(path, st.Close))
}

// OpenStore is store.Open for a file that may be damaged. One that is stays
// locked until the process ends. What the store issues is worded in English.
func OpenStore(path string, o store.Options) (st *store.Store, err error) {
	o.Print = words.English.Print
	err = Guard(path, func() error {
		st, err = store.Open(path, o)
		return err
	})
	return st, err
}
