package shell

import (
	"context"

	"relay/cli/term"
	"relay/report/api/act"
)

// Show asks for an act, and shows its answer: to programs as it is, to people by show.
func Show[In, Out any](ctx context.Context, e *Env, ask *act.Act[In, Out], in *In, show func(*Env, *Out) error) error {
	v, err := ask.Call(ctx, e.Service, in)
	switch {
	case err != nil:
		return err
	case e.JSON:
		return term.Encode(e.Stdout, v)
	}
	return show(e, v)
}

// Done shows the result of a command that only does something: v for programs, one
// line for people.
func (e *Env) Done(v any, format string, args ...any) error {
	if e.JSON {
		return term.Encode(e.Stdout, v)
	}
	return e.Say(format, args...)
}

// Rows is how the rows of a list are shown to people.
type Rows[Row any] struct {
	Columns []term.Column
	Cells   func(*Row) []string // of each row, for programs too; nil leaves it out
	Limit   int64               // rows at most; 0: all
	Empty   string              // in place of a table without rows; "": its head alone
}

// List shows the rows of a list as they come: an array to programs, to people a table.
func List[In, Row any](ctx context.Context, e *Env, list *act.List[In, Row], in *In, r Rows[Row]) error {
	s := term.NewStream(e.Output(), r.Limit, r.Empty, r.Columns...)
	return s.End(list.Each(ctx, e.Service, in, r.Limit, func(row *Row) error {
		if cells := r.Cells(row); cells != nil {
			return s.Add(row, cells...)
		}
		return nil
	}))
}
