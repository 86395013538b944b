package cli

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/sys/unix"

	"relay/report/words"
)

// progress is one line on a terminal, written over and over, that says how far long
// work has come. It goes away at the end.
type progress struct {
	w    io.Writer // nil: not a terminal
	what string    // "copying"
	bar  *progressbar.ProgressBar
}

// progressEvery is the least time between two writes of the line.
const progressEvery = 200 * time.Millisecond

// newProgress begins a line on w, where that is a terminal. A total of 0 is not known.
func newProgress(w io.Writer, what string, total int64) *progress {
	pr := &progress{what: what}
	if isTerminal(w) {
		pr.w = w
	}
	pr.of(total)
	return pr
}

// isTerminal reports whether w is a terminal: no other file has a size.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	return err == nil
}

// of begins the line again, with a total.
func (pr *progress) of(total int64) {
	if pr.w == nil {
		return
	}
	pr.end()
	text, most := pr.what+" …", int64(-1)
	if total > 0 {
		text, most = pr.what+" "+words.Size(total), total
	}
	pr.bar = progressbar.NewOptions64(most,
		progressbar.OptionSetWriter(pr.w),
		progressbar.OptionSetDescription(text),
		progressbar.OptionFullWidth(),
		progressbar.OptionThrottle(progressEvery),
		progressbar.OptionSetRenderBlankState(true),
		progressbar.OptionSetElapsedTime(total > 0),
		progressbar.OptionSetPredictTime(total > 0),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetSpinnerChangeInterval(0)) // otherwise a goroutine draws, and may do so after the end
}

// Write counts what passes.
func (pr *progress) Write(b []byte) (int, error) {
	pr.add(int64(len(b)))
	return len(b), nil
}

func (pr *progress) add(n int64) {
	if pr.bar != nil {
		_ = pr.bar.Add64(n) // a line that cannot be drawn, or a total that is passed, stops no work
	}
}

// end takes the line away.
func (pr *progress) end() {
	if pr.bar != nil {
		_ = pr.bar.Clear() // as above
	}
	pr.bar = nil
}
