package term

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Columns is the width of a terminal that does not say its own, and of everything that
// is not a terminal.
const Columns = 80

// leastColumns is the narrowest width that text is laid out for.
const leastColumns = 40

// IsTerminal reports whether w is a terminal: no other file has a size.
func IsTerminal(w io.Writer) bool {
	_, ok := size(w)
	return ok
}

// Width is the number of columns of w.
func Width(w io.Writer) int {
	if n, ok := size(w); ok && n > 0 {
		return max(n, leastColumns)
	}
	return Columns
}

// size is the width of a terminal, 0 if it does not say it.
func size(w io.Writer) (columns int, ok bool) {
	f, ok := w.(*os.File)
	if !ok {
		return 0, false
	}
	ws, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, false
	}
	return int(ws.Col), true
}

// Message writes one line for programs, or wraps it to the width of a terminal, with
// the lead before the first line only.
func Message(w io.Writer, lead, text string) {
	lines := []string{text}
	if IsTerminal(w) {
		lines = Wrap(text, Width(w)-len(lead))
	}
	fmt.Fprintf(w, "%s%s\n", lead, strings.Join(lines, "\n"+strings.Repeat(" ", len(lead))))
}
