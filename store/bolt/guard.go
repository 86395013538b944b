package bolt

import (
	"fmt"
	"runtime/debug"

	"relay/store/engine"
)

// Fault is what a damaged file did to the function that read it: engine.ErrDamaged.
type Fault struct{ Value any } // of the panic

func (f *Fault) Error() string { return fmt.Sprintf("%v: %v", engine.ErrDamaged, f.Value) }

func (f *Fault) Unwrap() error { return engine.ErrDamaged }

// Guard runs fn, and turns the panics, and the faults in mapped memory, by which bbolt tells
// of a damaged file into a Fault. After one the file may be locked for good, and a
// transaction open: it is left alone until the process ends.
func Guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			err = &Fault{v}
		}
	}()
	return fn()
}
