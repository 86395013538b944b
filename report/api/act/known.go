package act

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"relay/store"
	"relay/store/books"
	"relay/store/highwater"
	"relay/store/orders"
)

// Known turns an error of the store or the system into a problem; Internal if it is not
// one of those listed.
func Known(err error) *Problem {
	for _, k := range sentinels {
		if errors.Is(err, k.is) {
			p := Fail(k.as, "", "%w", err).(*Problem)
			p.Hint = hintOf(k.hint, nil)
			return p
		}
	}
	return Fail(Internal, "", "%w", err).(*Problem)
}

// sentinels lists errors of the store and of the system, with the next step.
var sentinels = []struct {
	is   error
	as   Type
	hint string
}{
	{store.ErrLocked, Busy, "a relay that is starting or stopping, or another command, has it: try again"},
	{store.ErrFull, Busy, "make space on the disk and try again"},
	{syscall.ENOSPC, Busy, "make space on the disk and try again"},
	{syscall.EDQUOT, Busy, "make space on the disk and try again"},
	{store.ErrBusy, Busy, "wait until it is delivered, or take it out with: {queue drop --account NAME}"},
	{store.ErrOlder, Internal, "relay serve, or any command on it, brings it up to date"},
	{store.ErrNewer, Internal, "run the relay that wrote it, or a newer one"},
	{highwater.ErrDamaged, Internal, "write the number of the last invoice that you sent into that file, twice: echo 17 17 > relay.invoices"},
	{books.ErrCurrency, Settings, "set [billing] currency back"},
	{orders.ErrNotYours, Refused, "ask the operator"},
	{fs.ErrPermission, Internal, "run the command as the user that runs the relay, or as root"},
	{fs.ErrNotExist, Internal, "see that the name is right, and that the directory is there"},
	{context.Canceled, Busy, ""},
}
