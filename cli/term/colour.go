package term

import (
	"fmt"
	"io"
	"strings"
)

// Colour of text (ECMA-48 §8.3.117): one of the sixteen that every terminal has, so
// that it fits the background.
type Colour int

// Colours of states.
const (
	Red    Colour = 31
	Green  Colour = 32
	Yellow Colour = 33
)

// Coloured reports whether text on w may be coloured: on a terminal, unless NO_COLOR
// (no-color.org) is set or the terminal is dumb.
func Coloured(w io.Writer, getenv func(string) string) bool {
	return getenv("NO_COLOR") == "" && getenv("TERM") != "dumb" && IsTerminal(w)
}

// Paint colours text, but not the spaces around it.
func Paint(text string, c Colour) string {
	word := strings.TrimSpace(text)
	return strings.Replace(text, word, fmt.Sprintf("\x1b[%dm%s\x1b[0m", c, word), 1)
}
