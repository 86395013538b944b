package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"relay/report/words"
)

// progress is one line on a terminal, written over and over, that says how far
// something has come. It goes away at the end.
type progress struct {
	w     io.Writer // nil: nobody watches
	what  string    // "copying"
	total int64     // octets; 0: not known
	done  int64
	now   func() time.Time
	start time.Time
	shown time.Time
	width int // of the line that stands there
}

// progressEvery so often the line is written.
const progressEvery = 200 * time.Millisecond

// progress begins a line on standard error, where that is a terminal.
func (p *program) progress(what string, total int64) *progress {
	pr := &progress{what: what, total: total, now: time.Now}
	if isTerminal(p.Stderr) {
		pr.w = p.Stderr
	}
	pr.start = pr.now()
	pr.add(0)
	return pr
}

// isTerminal: of what is written to, only a terminal has a size.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	return err == nil
}

// Write counts what passes.
func (pr *progress) Write(b []byte) (int, error) {
	pr.add(int64(len(b)))
	return len(b), nil
}

func (pr *progress) add(n int64) {
	pr.done += n
	if pr.w == nil {
		return
	}
	if now := pr.now(); now.Sub(pr.shown) >= progressEvery {
		pr.shown = now
		pr.write(pr.line(now.Sub(pr.start)))
	}
}

// line is at most a screen wide, without its last column.
func (pr *progress) line(since time.Duration) string {
	if pr.total == 0 {
		return pr.what + " …"
	}
	done := min(pr.done, pr.total)
	text := fmt.Sprintf("%s %3d %%  %s of %s", pr.what, int(float64(done)/float64(pr.total)*100), words.Size(done), words.Size(pr.total))
	if since < time.Second || done == 0 {
		return text
	}
	rate := float64(done) / since.Seconds()
	text += fmt.Sprintf("  %s/s", words.Size(int64(rate)))
	if left := float64(pr.total-done) / rate; left < (100 * 24 * time.Hour).Seconds() {
		text += fmt.Sprintf("  %s left", words.Span(time.Duration(left*float64(time.Second))))
	}
	return cut(text, screen-1)
}

// write puts text over what stands there.
func (pr *progress) write(text string) {
	width := utf8.RuneCountInString(text)
	fmt.Fprintf(pr.w, "\r%s%s", text, strings.Repeat(" ", max(pr.width-width, 0)))
	pr.width = width
}

// end takes the line away.
func (pr *progress) end() {
	if pr.w != nil && pr.width > 0 {
		pr.write("")
		pr.width = 0
		fmt.Fprint(pr.w, "\r")
	}
}
