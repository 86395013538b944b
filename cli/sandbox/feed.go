package sandbox

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"relay/report/words"
)

// feed writes the lines that follow the first screen, and keeps them until the screen has
// been written. Writers never wait for a slow reader: lines are kept, and when there is no
// more room they are only counted.
type feed struct {
	w      io.Writer
	broken func() // called when a write fails

	mu      sync.Mutex
	begun   bool
	kept    []string
	missed  int           // lines dropped after those kept
	writing chan struct{} // closed when all lines are written; nil: they are
}

// feedMost is how many lines are kept: a few seconds of a busy sink.
const feedMost = 10_000

// open starts the writing: the first screen is there.
func (f *feed) open() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begun = true
	f.write()
}

// say adds one line.
func (f *feed) say(line string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.missed > 0 || len(f.kept) >= feedMost {
		f.missed++
		return
	}
	f.kept = append(f.kept, line)
	f.write()
}

// write starts to write the kept lines, unless they are being written.
func (f *feed) write() {
	if f.begun && f.writing == nil && len(f.kept) > 0 {
		f.writing = make(chan struct{})
		go f.writeKept()
	}
}

func (f *feed) writeKept() {
	for text := f.take(); text != ""; text = f.take() {
		if _, err := io.WriteString(f.w, text); err != nil {
			f.broken()
		}
	}
}

// take returns the kept lines; with none the writing ends.
func (f *feed) take() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.kept) == 0 {
		close(f.writing)
		f.writing = nil
		return ""
	}
	if f.missed > 0 {
		f.kept = append(f.kept, fmt.Sprintf("… %s dropped: they came faster than they were read", words.Plural(int64(f.missed), "line")))
	}
	text := strings.Join(f.kept, "\n") + "\n"
	f.kept, f.missed = nil, 0
	return text
}

// finish waits until all lines are written, for a second at most, as nobody may be reading.
func (f *feed) finish() {
	f.mu.Lock()
	writing := f.writing
	f.mu.Unlock()
	if writing == nil {
		return
	}
	select {
	case <-writing:
	case <-time.After(time.Second):
	}
}
