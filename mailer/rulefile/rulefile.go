// Package rulefile is what files of rules and of rows have in common: hosts are named by
// the ends of their names, and what is wrong is told line by line.
package rulefile

import (
	"errors"
	"fmt"
	"strings"

	toml "github.com/pelletier/go-toml/v2"

	"relay/report/words"
)

// Problem is one thing that is wrong in a file.
type Problem struct {
	Line int // 0: it is not one line's
	Text string
}

// Error lists all that is wrong in a file.
type Error struct {
	What     string // is in it: rules, rows
	File     string
	Problems []Problem
}

// Error lists every problem with its line.
func (e *Error) Error() string {
	list := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		list[i] = p.Text
		if p.Line > 0 {
			list[i] = fmt.Sprintf("line %d: %s", p.Line, p.Text)
		}
	}
	return e.What + " " + e.File + ": " + strings.Join(list, "; ")
}

// ProblemsOf turns an error of the TOML package into problems.
func ProblemsOf(err error) (list []Problem) {
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		for i := range strict.Errors {
			line, _ := strict.Errors[i].Position()
			list = append(list, Problem{line, fmt.Sprintf("unknown key %q", strings.Join(strict.Errors[i].Key(), "."))})
		}
		return list
	}
	if wrong, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, text := words.TOMLError(wrong)
		return []Problem{{line, text}}
	}
	return []Problem{{0, err.Error()}}
}

// Below reports whether a host's name is end, or a name below it.
func Below(host, end string) bool {
	rest, ok := strings.CutSuffix(host, end)
	return ok && (rest == "" || strings.HasSuffix(rest, "."))
}
