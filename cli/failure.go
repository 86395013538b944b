package cli

import (
	"context"
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
	exitUsage        = 64 // wrong usage
	exitData         = 65 // a file of plans, or sendmail's message, is not in order
	exitNoAccount    = 67 // no such account
	exitUnreachable  = 69 // a relay is there, but cannot be talked to
	exitTryAgain     = 75 // not now, perhaps later
	exitNoPermission = 77 // the token, or sendmail's sender, may not
	exitConfig       = 78 // configuration
)

// failure is an error that knows its exit code and, where there is one, the
// next step for whoever reads it.
type failure struct {
	code int
	err  error
	hint string
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// fail makes a failure; hint may be "".
func fail(code int, hint, format string, args ...any) error {
	return &failure{code, fmt.Errorf(format, args...), hint}
}

// usage is the failure of a command line that cannot be understood.
func usage(hint, format string, args ...any) error { return fail(exitUsage, hint, format, args...) }

// exitCode ends a run that has said everything already.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// report tells err to the operator and returns the exit code it stands for.
func report(w io.Writer, err error) int {
	if err == nil {
		return exitDone
	}
	if code, ok := errors.AsType[exitCode](err); ok {
		return int(code)
	}
	f, ok := errors.AsType[*failure](err)
	if !ok {
		f = known(err)
	}
	if p, ok := errors.AsType[*act.Problem](err); ok && f.err == err {
		f, err = ofProblem(p), errors.New(problemText(p))
	}
	fmt.Fprintf(w, "relay: error: %s\n", term.Clean(strings.ReplaceAll(err.Error(), "\n", "; ")))
	if f.hint != "" {
		fmt.Fprintf(w, "relay: hint: %s\n", f.hint)
	}
	return f.code
}

// known finds code and hint of an error that came up from below.
func known(err error) *failure {
	f := &failure{code: exitFailed, err: err}
	switch {
	case errors.Is(err, store.ErrLocked):
		f.code, f.hint = exitTryAgain, "a relay that is starting or stopping, or another command, has it: try again"
	case errors.Is(err, store.ErrFull), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		f.code, f.hint = exitTryAgain, "make space on the disk and try again"
	case errors.Is(err, store.ErrBusy):
		f.code, f.hint = exitTryAgain, "wait until it is delivered, or take it out with: relay queue drop --account NAME"
	case errors.Is(err, store.ErrOlder):
		f.hint = "relay serve, or any command on it, brings it up to date"
	case errors.Is(err, store.ErrNewer):
		f.hint = "run the relay that wrote it, or a newer one"
	case errors.Is(err, highwater.ErrDamaged):
		f.hint = "write the number of the last invoice that you sent into that file, twice: echo 17 17 > relay.invoices"
	case errors.Is(err, control.ErrDenied):
		f.code, f.hint = exitUnreachable, "run the command as the user that runs the relay, or as root"
	case errors.Is(err, control.ErrToken):
		f.code, f.hint = exitNoPermission, "ask the operator for a new one: relay reseller token RESELLER"
	case errors.Is(err, control.ErrUnreached):
		f.code, f.hint = exitUnreachable, "nothing was done: check the address and its certificate; SSL_CERT_FILE names one that nobody signed"
	case errors.Is(err, control.ErrBusy):
		f.code, f.hint = exitTryAgain, "nothing was done: wait, and try again"
	case errors.Is(err, store.ErrCurrency):
		f.code, f.hint = exitConfig, "set [billing] currency back"
	case errors.Is(err, store.ErrNotYours):
		f.hint = "ask the operator"
	case errors.Is(err, control.ErrBroken):
		f.code, f.hint = exitUnreachable, "see the relay's log; what the command asked for may have been done or not"
	case errors.Is(err, errNoCredential):
		f.code, f.hint = exitConfig, "credentials are for the relay that systemd starts: put LoadCredential=NAME:FILE into relay.service"
	case errors.Is(err, os.ErrPermission):
		f.hint = "run the command as the user that runs the relay, or as root"
	case errors.Is(err, os.ErrNotExist):
		f.hint = "see that the name is right, and that the directory is there"
	case errors.Is(err, errDamaged):
		f.hint = "bring back a backup: relay restore FILE; keep the damaged file for a look at it"
	case errors.Is(err, context.Canceled):
		f.err = errors.New("interrupted")
	}
	return f
}

// codeOf the types of problems; others are exitFailed.
var codeOf = map[act.Type]int{
	act.Wrong: exitUsage, act.Data: exitData, act.Missing: exitNoAccount, act.Token: exitNoPermission, act.Forbidden: exitNoPermission,
	act.Busy: exitTryAgain, act.Version: exitTryAgain, act.Unreachable: exitUnreachable, act.Settings: exitConfig,
}

// ofProblem is what the service answered, as a command tells it.
func ofProblem(p *act.Problem) *failure {
	f := &failure{code: exitFailed, err: p}
	if code, ok := codeOf[p.Type]; ok {
		f.code = code
	}
	if p.Hint != nil {
		f.hint = p.Hint.Line("relay")
	}
	return f
}

// problemText names a member of a request as its flag.
func problemText(p *act.Problem) string {
	if len(p.Errors) != 1 || p.Errors[0].Field+p.Errors[0].Message != p.Detail {
		return p.Detail
	}
	return "--" + strings.ReplaceAll(p.Errors[0].Field, "_", "-") + p.Errors[0].Message
}
