package term

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"relay/report/words"
)

// Encode writes v as one JSON document for programs.
func Encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// Array writes a JSON array element by element, one a line, however many there are.
type Array struct {
	W io.Writer
	n int
}

// NewArray begins an array.
func NewArray(w io.Writer) Array { return Array{W: w} }

// Add writes an element.
func (a *Array) Add(v any) error {
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
	_, err := io.WriteString(a.W, lead+strings.TrimSuffix(b.String(), "\n"))
	return err
}

// End ends the array.
func (a *Array) End() error {
	tail := "\n]\n"
	if a.n == 0 {
		tail = "[]\n"
	}
	_, err := io.WriteString(a.W, tail)
	return err
}

// EncodeAll writes list as a JSON array, [] when it is empty.
func EncodeAll[T any](w io.Writer, list []T) error {
	a := NewArray(w)
	for _, v := range list {
		if err := a.Add(v); err != nil {
			return err
		}
	}
	return a.End()
}

// Field is one line of a description: a name and its value.
type Field [2]string

// WriteFields writes names and values in two columns; values that do not fit
// are continued on the next line, never shortened. Empty ones are left out.
func WriteFields(w io.Writer, fields []Field) error {
	width, screen := 0, Width(w)
	for _, f := range fields {
		width = max(width, utf8.RuneCountInString(f[0]))
	}
	for _, f := range fields {
		for i, text := range Wrap(words.Clean(f[1]), screen-width-Gap) {
			name := f[0]
			if i > 0 {
				name = ""
			}
			if _, err := fmt.Fprintf(w, "%s%s%s\n", Pad(name, width, false), strings.Repeat(" ", Gap), text); err != nil {
				return err
			}
		}
	}
	return nil
}
