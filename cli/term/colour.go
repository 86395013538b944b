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

// stateHead is the head of columns whose cells are coloured by PaintState.
const stateHead = "STATE"

// stateColours has the first words of states: of accounts, invoices and recipients.
var stateColours = map[string]Colour{
	"active": Green, "paid": Green, "delivered": Green, "accepted": Green,
	"pending": Yellow, "held": Yellow, "deferred": Yellow,
	"suspended": Red, "late": Red, "bounced": Red, "complained": Red, "expired": Red, "failed": Red, "suppressed": Red,
}

// PaintState colours text by the first word of state; other states keep their colour.
func PaintState(text, state string) string {
	word, _, _ := strings.Cut(state, " ")
	c, ok := stateColours[word]
	if !ok {
		return text
	}
	return Paint(text, c)
}
