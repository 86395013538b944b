// Package exit ends a command: it has the exit codes that scripts rely on, and the
// error that knows its code and the reader's next step.
//
// A command returns what Fail or Usage made, or any other error; Report writes it
// with its hint and returns the code. Problems of the service, and errors of packages
// that know nothing of exit codes, have theirs in tables here.
package exit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"relay/cli/control"
	"relay/cli/term"
	"relay/report/api/act"
	"relay/report/words"
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

// Of is err with code and hint: of the Error that it wraps, of the service's problem, from
// a table of causes, or of the problem that it would be for the service.
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
	p := ofProblem(act.Known(err))
	return &Error{p.Code, err, p.Hint}
}

// Hint is the next step after err, "" when none is known.
func Hint(err error) string { return Of(err).Hint }

// causes of errors that the service does not know of. The first that fits counts.
var causes = []struct {
	err  error
	code int
	hint string
}{
	{control.ErrDenied, Unreachable, "run the command as the user that runs the relay, or as root"},
	{control.ErrUnreached, Unreachable, "nothing was done: check the address and its certificate; SSL_CERT_FILE names one that nobody signed"},
	{control.ErrBroken, Unreachable, "see the relay's log; what the command asked for may have been done or not"},
	{context.Canceled, Failed, ""},
}
