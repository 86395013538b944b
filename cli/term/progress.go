package term

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"relay/report/words"
)

// Progress is one line on a terminal, written over and over, that says how far long
// work has come. It goes away at the end.
type Progress struct {
	w    io.Writer // nil: not a terminal
	what string    // "copying"
	bar  *progressbar.ProgressBar
}

// progressEvery is the least time between two writes of the line.
const progressEvery = 200 * time.Millisecond

// NewProgress begins a line on w, where that is a terminal. A total of 0 is not known.
func NewProgress(w io.Writer, what string, total int64) *Progress {
	pr := &Progress{what: what}
	if IsTerminal(w) {
		pr.w = w
	}
	pr.Restart(total)
	return pr
}

// Restart begins the line again, with a total.
func (pr *Progress) Restart(total int64) {
	if pr.w == nil {
		return
	}
	pr.End()
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
func (pr *Progress) Write(b []byte) (int, error) {
	pr.Add(int64(len(b)))
	return len(b), nil
}

// Add counts n more.
func (pr *Progress) Add(n int64) {
	if pr.bar != nil {
		_ = pr.bar.Add64(n) // a line that cannot be drawn, or a total that is passed, stops no work
	}
}

// End takes the line away.
func (pr *Progress) End() {
	if pr.bar != nil {
		_ = pr.bar.Clear() // as above
	}
	pr.bar = nil
}
