package proof

import (
	"fmt"
	"runtime/debug"

	"relay/cli/exit"
	"relay/report/words"
	"relay/store"
)

// ErrDamaged is a store's file that cannot be read as one.
var ErrDamaged = exit.Sentinel(exit.Failed,
	"bring back a backup: relay restore FILE; keep the damaged file for a look at it", "the file is damaged")

// Guard turns the panics, and the faults in mapped memory, by which the engine
// tells of a damaged file into ErrDamaged.
func Guard(path string, fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("store %q: %w: %v", path, ErrDamaged, v)
		}
	}()
	return fn()
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
