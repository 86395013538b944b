package cli

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
	"relay/store"
	"relay/store/highwater"
)

// Exit codes that scripts may rely on (after BSD's sysexits.h).
const (
	exitDone         = 0
	exitFailed       = 1
	exitUsage        = 64 // the command line cannot be understood
	exitData         = 65 // a file of plans, or the message for sendmail, is malformed
	exitNoAccount    = 67 // no such account
	exitUnreachable  = 69 // relay runs, but cannot be talked to
	exitTryAgain     = 75 // not now, perhaps later
	exitNoPermission = 77 // the token, or the sender given to sendmail, is not allowed to
	exitConfig       = 78 // configuration
)

// failure is an error that knows its exit code and, where there is one, the next
// step for the reader.
type failure struct {
	code int
	err  error
	hint string
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// fail makes an Error; hint may be "".
func fail(code int, hint, format string, args ...any) error {
	return &failure{code, fmt.Errorf(format, args...), hint}
}

// usage makes the Error for a command line that cannot be understood.
func usage(hint, format string, args ...any) error { return fail(exitUsage, hint, format, args...) }

// sentinel makes an Error for errors.Is: the code and the hint hold for every
// error that wraps it.
func sentinel(code int, hint, text string) error { return &failure{code, errors.New(text), hint} }

// exitCode ends a run whose messages are written already.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// report writes err to the operator and returns the exit code it stands for.
func report(w io.Writer, err error) int {
	if err == nil {
		return exitDone
	}
	if code, ok := errors.AsType[exitCode](err); ok {
		return int(code)
	}
	f := failureOf(err)
	fmt.Fprintf(w, "relay: error: %s\n", term.Clean(strings.ReplaceAll(f.Error(), "\n", "; ")))
	if f.hint != "" {
		fmt.Fprintf(w, "relay: hint: %s\n", f.hint)
	}
	return f.code
}

// failureOf is err with code and hint: of the Error that it wraps, of the service's
// problem, or from a table of causes.
func failureOf(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return &failure{f.code, err, f.hint}
	}
	if p, ok := errors.AsType[*act.Problem](err); ok {
		return ofProblem(p)
	}
	for _, c := range causes {
		if errors.Is(err, c.err) {
			return &failure{c.code, err, c.hint}
		}
	}
	return &failure{code: exitFailed, err: err}
}

// hintOf is the next step after err, "" when none is known.
func hintOf(err error) string { return failureOf(err).hint }

const asOwner = "run the command as the user that runs the relay, or as root"

// causes of errors that come from other packages. The first that fits counts.
var causes = []struct {
	err  error
	code int
	hint string
}{
	{store.ErrLocked, exitTryAgain, "a relay that is starting or stopping, or another command, has it: try again"},
	{store.ErrFull, exitTryAgain, makeSpace},
	{syscall.ENOSPC, exitTryAgain, makeSpace},
	{syscall.EDQUOT, exitTryAgain, makeSpace},
	{store.ErrBusy, exitTryAgain, "wait until it is delivered, or take it out with: relay queue drop --account NAME"},
	{store.ErrOlder, exitFailed, "relay serve, or any command on it, brings it up to date"},
	{store.ErrNewer, exitFailed, "run the relay that wrote it, or a newer one"},
	{highwater.ErrDamaged, exitFailed, "write the number of the last invoice that you sent into that file, twice: echo 17 17 > relay.invoices"},
	{control.ErrDenied, exitUnreachable, asOwner},
	{control.ErrToken, exitNoPermission, "ask the operator for a new one: relay reseller token RESELLER"},
	{control.ErrUnreached, exitUnreachable, "nothing was done: check the address and its certificate; SSL_CERT_FILE names one that nobody signed"},
	{control.ErrBusy, exitTryAgain, "nothing was done: wait, and try again"},
	{store.ErrCurrency, exitConfig, "set [billing] currency back"},
	{store.ErrNotYours, exitFailed, "ask the operator"},
	{control.ErrBroken, exitUnreachable, "see the relay's log; what the command asked for may have been done or not"},
	{os.ErrPermission, exitFailed, asOwner},
	{os.ErrNotExist, exitFailed, "see that the name is right, and that the directory is there"},
}

const makeSpace = "make space on the disk and try again"
