// Package finding has what relay check and relay test show: one line for each thing that was
// looked at or tried, with a status and, where something is to be done, with advice.
package finding

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"relay/cli/exit"
	"relay/cli/shell"
	"relay/cli/term"
	"relay/report/words"
)

// Status of one thing that was looked at.
type Status string

const (
	OK      Status = "ok"
	Warning Status = "warning" // works, but not as it should; or it could not be found out
	Failed  Status = "failed"
)

var colours = map[Status]term.Colour{OK: term.Green, Warning: term.Yellow, Failed: term.Red}

// Finding is the result for one thing. Its JSON is what programs read.
type Finding struct {
	Check  string `json:"check"` // the thing's name
	Status Status `json:"status"`
	Detail string `json:"detail"`
	Advice string `json:"advice"` // what to do; "": nothing

	Group string `json:"-"` // the heading that it stands under
}

// Write shows the finding, with its name in a column of that width and its advice below.
func (f *Finding) Write(w io.Writer, width int, coloured bool) error {
	mark := term.Pad(string(f.Status), len(Warning)+term.Gap, false)
	lead := term.Pad(words.Cut(f.Check, width), width+term.Gap, false)
	head := 2 + utf8.RuneCountInString(mark+lead)
	if coloured {
		mark = term.Paint(mark, colours[f.Status])
	}
	lead = "  " + mark + lead
	for _, l := range f.lines(term.Columns - head) {
		if _, err := fmt.Fprintln(w, lead+l); err != nil {
			return err
		}
		lead = strings.Repeat(" ", head)
	}
	return nil
}

// WriteAll shows findings one below the other, as Write shows one.
func WriteAll(w io.Writer, list []Finding, width int, coloured bool) error {
	for i := range list {
		if err := list[i].Write(w, width, coloured); err != nil {
			return err
		}
	}
	return nil
}

// Answer shows what a check found: text does, or the service's answer as JSON. Its error
// is exit code 1 where something failed.
func Answer(e *shell.Env, answer any, list []Finding, text func() error) error {
	show := text
	if e.JSON {
		show = func() error { return term.Encode(e.Stdout, answer) }
	}
	if err := show(); err != nil {
		return err
	}
	if slices.ContainsFunc(list, func(f Finding) bool { return f.Status == Failed }) {
		return exit.Code(exit.Failed)
	}
	return nil
}

// lines returns what stands next to the finding's name.
func (f *Finding) lines(width int) []string {
	lines := term.Wrap(words.Clean(strings.ReplaceAll(f.Detail, "\n", "; ")), width)
	mark := "→ "
	for _, l := range term.Wrap(f.Advice, width-2) {
		lines = append(lines, mark+l)
		mark = "  "
	}
	return lines
}
