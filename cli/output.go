package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"relay/cli/term"
)

// encode writes v as one JSON document for programs.
func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// array writes a JSON array element by element, one a line, however many there are.
type array struct {
	w io.Writer
	n int
}

func newArray(w io.Writer) array { return array{w: w} }

func (a *array) add(v any) error {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	lead := ",\n "
	if a.n == 0 {
		lead = "[\n "
	}
	a.n++
	_, err := io.WriteString(a.w, lead+strings.TrimSuffix(b.String(), "\n"))
	return err
}

func (a *array) end() error {
	tail := "\n]\n"
	if a.n == 0 {
		tail = "[]\n"
	}
	_, err := io.WriteString(a.w, tail)
	return err
}

// encodeAll writes list as a JSON array, [] when it is empty.
func encodeAll[T any](w io.Writer, list []T) error {
	a := newArray(w)
	for _, v := range list {
		if err := a.add(v); err != nil {
			return err
		}
	}
	return a.end()
}

// field is one line of what is shown of a single thing.
type field struct{ name, value string }

// writeFields writes names and values in two columns; values that do not fit
// are continued on the next line, never shortened. Empty ones are left out.
func writeFields(w io.Writer, fields []field) error {
	width := 0
	for _, f := range fields {
		width = max(width, utf8.RuneCountInString(f.name))
	}
	for _, f := range fields {
		for i, text := range term.Wrap(term.Clean(f.value), term.Columns-width-gap) {
			name := f.name
			if i > 0 {
				name = ""
			}
			if _, err := fmt.Fprintf(w, "%s%s%s\n", term.Pad(name, width, false), strings.Repeat(" ", gap), text); err != nil {
				return err
			}
		}
	}
	return nil
}
