package shell

import (
	"io"
	"strings"

	"relay/cli/term"
)

// Chapter is a line of the first screen: a purpose, and the commands for it.
type Chapter struct {
	Purpose  string
	Commands string // separated by spaces
}

// Overview writes the first screen, which fits 24 lines of 80 columns.
func Overview(w io.Writer, chapters []Chapter) error {
	h, width := newPage(w), 0
	for _, c := range chapters {
		width = max(width, len(c.Purpose))
	}
	h.text(about)
	h.blank()
	h.line("Usage: relay COMMAND [flags]")
	h.blank()
	for _, c := range chapters {
		h.line("  " + term.Pad(c.Purpose, width, false) + "  " + strings.ReplaceAll(c.Commands, " ", ", "))
	}
	h.blank()
	h.line("To begin:")
	h.pair("relay sandbox", "try everything; no mail leaves this machine", 30)
	h.pair("relay init --hostname NAME", "set up a server", 30)
	h.blank()
	h.line("relay COMMAND --help explains a command, relay --help lists all of them.")
	_, err := io.WriteString(w, h.String())
	return err
}
