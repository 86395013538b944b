package exit

import (
	"errors"

	"relay/report/api/act"
)

var problemCodes = map[act.Type]int{
	act.Wrong: WrongUsage, act.Data: WrongData, act.Missing: NoAccount, act.Token: NotAllowed, act.Forbidden: NotAllowed,
	act.Busy: TryAgain, act.Version: TryAgain, act.Unreachable: Unreachable, act.Settings: Config,
}

// CodeOf a type of problem; most are Failed.
func CodeOf(t act.Type) int {
	if code, ok := problemCodes[t]; ok {
		return code
	}
	return Failed
}

// ofProblem is the service's answer as a command shows it.
func ofProblem(p *act.Problem) *Error {
	f := &Error{Code: CodeOf(p.Type), Err: p}
	if p.Hint != nil {
		f.Hint = p.Hint.Line("relay")
	}
	return f
}

// Naming is err with the member of the request that a problem is about called as a command
// calls it.
func Naming(err error, name func(member string) string) error {
	p, ok := errors.AsType[*act.Problem](err)
	if !ok || err != error(p) || len(p.Errors) != 1 || p.Errors[0].Field+p.Errors[0].Message != p.Detail {
		return err
	}
	is := ofProblem(p)
	is.Err = errors.New(name(p.Errors[0].Field) + p.Errors[0].Message)
	return is
}

// Problem is err as the service answers it: a face makes the same exit code and hint of
// it.
func Problem(err error) error {
	e, t := Of(err), act.Internal
	switch e.Code {
	case Config:
		t = act.Settings
	case TryAgain:
		t = act.Busy
	case Unreachable:
		t = act.Unreachable
	}
	return act.Fail(t, e.Hint, "%w", err)
}
