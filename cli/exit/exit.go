// Package exit ends a command: it has the exit codes that scripts rely on, and the
// error that knows its code and the reader's next step.
//
// A command returns what Fail or Usage made, or any other error; Report writes it
// with its hint and returns the code. Problems of the service, and errors of packages
// that know nothing of exit codes, have theirs in tables here.
package exit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"relay/cli/control"
	"relay/cli/term"
	"relay/report/api/act"
	"relay/report/words"
	"relay/store"
	"relay/store/highwater"
)

// Exit codes that scripts may rely on (after BSD's sysexits.h).
const (
	Done        = 0
	Failed      = 1
	WrongUsage  = 64 // the command line cannot be understood
	WrongData   = 65 // a file of plans, or the message for sendmail, is malformed
	NoAccount   = 67 // no such account
	Unreachable = 69 // relay runs, but cannot be talked to
	TryAgain    = 75 // not now, perhaps later
	NotAllowed  = 77 // the token, or the sender given to sendmail, is not allowed to
	Config      = 78 // configuration
)

// Exit codes that mean something else to sendmail's callers (sysexits.h).
const (
	NoUser  = 67 // a recipient was refused
	Refused = 69 // refused, for good
)

// Error is an error with its exit code and a hint: the next step for the reader, ""
// when there is none.
type Error struct {
	Code int
	Err  error
	Hint string
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Fail makes an Error; hint may be "".
func Fail(code int, hint, format string, args ...any) error {
	return &Error{code, fmt.Errorf(format, args...), hint}
}

// Usage makes the Error for a command line that cannot be understood.
func Usage(hint, format string, args ...any) error { return Fail(WrongUsage, hint, format, args...) }

// Sentinel makes an Error for errors.Is: the code and the hint hold for every
// error that wraps it.
func Sentinel(code int, hint, text string) error { return &Error{code, errors.New(text), hint} }

// Code ends a run whose messages are written already.
type Code int

func (c Code) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// Report writes err to the operator and returns the exit code it stands for.
func Report(w io.Writer, err error) int {
	if err == nil {
		return Done
	}
	if code, ok := errors.AsType[Code](err); ok {
		return int(code)
	}
	e := Of(err)
	term.Message(w, "relay: error: ", words.Clean(strings.ReplaceAll(e.Error(), "\n", "; ")))
	if e.Hint != "" {
		term.Message(w, "relay: hint: ", e.Hint)
	}
	return e.Code
}

// Of is err with code and hint: of the Error that it wraps, of the service's
// problem, or from a table of causes.
func Of(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return &Error{e.Code, err, e.Hint}
	}
	if p, ok := errors.AsType[*act.Problem](err); ok {
		return ofProblem(p)
	}
	for _, c := range causes {
		if errors.Is(err, c.err) {
			return &Error{c.code, err, c.hint}
		}
	}
	return &Error{Code: Failed, Err: err}
}

// Hint is the next step after err, "" when none is known.
func Hint(err error) string { return Of(err).Hint }

const asOwner = "run the command as the user that runs the relay, or as root"

// causes of errors that come from other packages. The first that fits counts.
var causes = []struct {
	err  error
	code int
	hint string
}{
	{store.ErrLocked, TryAgain, "a relay that is starting or stopping, or another command, has it: try again"},
	{store.ErrFull, TryAgain, makeSpace},
	{syscall.ENOSPC, TryAgain, makeSpace},
	{syscall.EDQUOT, TryAgain, makeSpace},
	{store.ErrBusy, TryAgain, "wait until it is delivered, or take it out with: relay queue drop --account NAME"},
	{store.ErrOlder, Failed, "relay serve, or any command on it, brings it up to date"},
	{store.ErrNewer, Failed, "run the relay that wrote it, or a newer one"},
	{highwater.ErrDamaged, Failed, "write the number of the last invoice that you sent into that file, twice: echo 17 17 > relay.invoices"},
	{control.ErrDenied, Unreachable, asOwner},
	{control.ErrUnreached, Unreachable, "nothing was done: check the address and its certificate; SSL_CERT_FILE names one that nobody signed"},
	{store.ErrCurrency, Config, "set [billing] currency back"},
	{store.ErrNotYours, Failed, "ask the operator"},
	{control.ErrBroken, Unreachable, "see the relay's log; what the command asked for may have been done or not"},
	{os.ErrPermission, Failed, asOwner},
	{os.ErrNotExist, Failed, "see that the name is right, and that the directory is there"},
}

const makeSpace = "make space on the disk and try again"
