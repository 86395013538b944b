package cli

import (
	"fmt"
	"runtime/debug"

	"relay/cli/exit"
	"relay/report/words"
	"relay/store"
)

// errDamaged is a store's file that cannot be read as one.
var errDamaged = exit.Sentinel(exit.Failed,
	"bring back a backup: relay restore FILE; keep the damaged file for a look at it", "the file is damaged")

// guard turns the panics, and the faults in mapped memory, by which the engine
// tells of a damaged file into errDamaged.
func guard(path string, fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("store %q: %w: %v", path, errDamaged, v)
		}
	}()
	return fn()
}

// openStore is store.Open for a file that may be damaged. One that is stays
// locked until the process ends. What the store issues is worded in English.
func openStore(path string, o store.Options) (st *store.Store, err error) {
	o.Print = words.English.Print
	err = guard(path, func() error {
		st, err = store.Open(path, o)
		return err
	})
	return st, err
}
