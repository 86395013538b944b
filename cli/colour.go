package cli

import (
	"fmt"
	"strings"

	"relay/cli/control"
	"relay/cli/term"
)

// Colours of a terminal (ECMA-48 §8.3.117): of the sixteen that each has, so
// that they fit its background.
const (
	green  = 32
	yellow = 33
	red    = 31
)

var statusColour = map[status]int{ok: green, warning: yellow, failed: red}

// colours reports whether standard output may be coloured: on a terminal, and
// not where NO_COLOR (no-color.org) says no. A running relay is told by the
// command that was sent to it.
func (p *program) colours() bool {
	if p.inner != nil {
		return p.coloured
	}
	return p.getenv("NO_COLOR") == "" && p.getenv("TERM") != "dumb" && term.IsTerminal(p.Stdout)
}

// request is this command line for a running relay.
func (p *program) request() control.Request {
	return control.Request{Args: p.argv, Colour: p.colours()}
}

// painted is text in the colour of a status, the spaces around it left alone.
func painted(text string, s status) string {
	word := strings.TrimSpace(text)
	return strings.Replace(text, word, fmt.Sprintf("\x1b[%dm%s\x1b[0m", statusColour[s], word), 1)
}
