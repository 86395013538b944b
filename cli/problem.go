package cli

import (
	"errors"
	"strings"

	"relay/report/api/act"
)

var problemCodes = map[act.Type]int{
	act.Wrong: exitUsage, act.Data: exitData, act.Missing: exitNoAccount, act.Token: exitNoPermission, act.Forbidden: exitNoPermission,
	act.Busy: exitTryAgain, act.Version: exitTryAgain, act.Unreachable: exitUnreachable, act.Settings: exitConfig,
}

// codeOf a type of problem; most are exitFailed.
func codeOf(t act.Type) int {
	if code, ok := problemCodes[t]; ok {
		return code
	}
	return exitFailed
}

// ofProblem is the service's answer as a command shows it.
func ofProblem(p *act.Problem) *failure {
	f := &failure{code: codeOf(p.Type), err: errors.New(problemText(p))}
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
