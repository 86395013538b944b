package act

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"relay/store"
)

// Type of a problem: one word that programs and exit codes go by.
type Type string

// Types of problems.
const (
	Wrong       Type = "invalid"     // the request cannot be understood, or a value is not allowed
	Data        Type = "data"        // a document that came with it is not in order
	Missing     Type = "not-found"   // the thing that it names does not exist, or not for this actor
	NoSuch      Type = "no-such"     // nothing of that name, other than an account
	Refused     Type = "refused"     // not possible in the present state; nothing was done
	Token       Type = "token"       // no actor has this token
	Forbidden   Type = "forbidden"   // the key has no scope for it
	Busy        Type = "try-again"   // not now, perhaps later
	Unreachable Type = "unreachable" // needs a running relay, or a part of it that does not answer
	Version     Type = "version"     // the client is of another version
	Settings    Type = "config"      // the configuration does not allow it
	Internal    Type = "internal"    // a fault of ours or of the machine
)

// types lists title and HTTP status of each type.
var types = map[Type]struct {
	title  string
	status int
}{
	Wrong:       {"The request is not valid", http.StatusUnprocessableEntity},
	Data:        {"The document is not in order", http.StatusUnprocessableEntity},
	Missing:     {"Not found", http.StatusNotFound},
	NoSuch:      {"No such thing", http.StatusNotFound},
	Refused:     {"Refused", http.StatusConflict},
	Token:       {"Unknown token", http.StatusUnauthorized},
	Forbidden:   {"Not allowed", http.StatusForbidden},
	Busy:        {"Try again later", http.StatusServiceUnavailable},
	Unreachable: {"Not running", http.StatusBadGateway},
	Version:     {"Another version is running", http.StatusPreconditionFailed},
	Settings:    {"The configuration does not allow it", http.StatusConflict},
	Internal:    {"Failed", http.StatusInternalServerError},
}

// Problem is an error as answers have it (RFC 9457).
type Problem struct {
	Type   Type    `json:"type" doc:"One word, stable: see the list of problems."`
	Title  string  `json:"title" doc:"What the type means."`
	Status int     `json:"status" doc:"HTTP status code."`
	Detail string  `json:"detail" doc:"What is wrong this time."`
	Errors []Field `json:"errors,omitempty" doc:"Members of the request that are wrong."`
	Hint   *Hint   `json:"hint,omitempty" doc:"The next step."`

	Answer json.RawMessage `json:"answer,omitempty" doc:"Of a refused order: its receipt, with the figures and all reasons."`

	cause  error
	advice string // the hint as it was written, see Fail
}

// Field is a member of a request that is wrong.
type Field struct {
	Field   string `json:"field"`
	Message string `json:"message"` // continues the sentence that the member's name begins
}

// Fail makes a problem. hint is the next step for the actor; "": there is none. An act in
// it stands in braces, with its arguments, as it is typed without the program's name:
// "{account show acme} has the invoices".
func Fail(t Type, hint, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &Problem{Type: t, Title: types[t].title, Status: types[t].status, Detail: err.Error(), cause: err, advice: hint}
}

// Invalid is the problem of a member of the request. The text continues the sentence that
// the member's name begins: ` "x": suspend or continue`.
func Invalid(field, hint, format string, args ...any) error {
	p := Fail(Wrong, hint, field+format, args...).(*Problem)
	p.Errors = []Field{{field, strings.TrimPrefix(p.Detail, field)}}
	return p
}

// With adds to a problem what the act would have answered.
func With(problem error, answer any) error {
	p := *problem.(*Problem)
	var text strings.Builder
	if err := Encode(&text, answer); err != nil {
		return err
	}
	p.Answer = json.RawMessage(text.String())
	return &p
}

// NotFound is the one answer for things that do not exist, things that belong to others
// and acts that are not for the actor, so that it reveals nothing.
var NotFound = Fail(Missing, "a reseller's token is for the accounts below it: {account list}", "not found")

// Veiled returns err as a stranger may see it.
func Veiled(err error) *Problem {
	p := ProblemOf(err)
	if p.ofMachine() {
		return veiled(p.Type)
	}
	return p
}

// veiled replaces a problem that only the operator may see.
func veiled(t Type) *Problem {
	return Fail(t, "ask the operator", "the relay cannot do this now").(*Problem)
}

// ofMachine reports whether a problem reveals the machine's files or the program's inside.
func (p *Problem) ofMachine() bool {
	_, file := errors.AsType[*fs.PathError](p.cause)
	return p.Type == Internal || file || errors.Is(p.cause, store.ErrFull) || errors.Is(p.cause, store.ErrLocked)
}

func (p *Problem) Error() string { return p.Detail }
func (p *Problem) Unwrap() error { return p.cause }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// ProblemOf returns err as answers have it, except for its hint, which is not parsed yet:
// the problem in it, or what Known makes of it.
func ProblemOf(err error) *Problem {
	p, ok := errors.AsType[*Problem](err)
	if !ok {
		p = Known(err)
	}
	is := *p
	if is.Detail != err.Error() {
		is.Detail, is.Errors = strings.ReplaceAll(err.Error(), "\n", "; "), nil
	}
	return &is
}
