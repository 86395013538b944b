package signature

import (
	"fmt"
	"runtime/debug"
)

// guard turns a panic of the function that defers it into its error, with the stack. Code that
// reads what strangers wrote defers it: a message that meets a fault of ours would end the
// process otherwise, again after each start. It is only for what computes, so that nothing is
// left half done and no lock is held.
func guard(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("a fault in relay, please report it: panic: %v\n%s", v, debug.Stack())
	}
}
