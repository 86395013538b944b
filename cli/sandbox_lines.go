package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"relay/cli/sandbox/sink"
	"relay/cli/term"
	"relay/report/words"
)

// feed writes what comes after the first screen, and keeps it until that is
// there. Nobody waits for who reads: what comes while he does not is counted when
// there is no more room for it.
type feed struct {
	w      io.Writer
	broken func() // called when nobody reads any more

	mu      sync.Mutex
	begun   bool
	kept    []string
	missed  int           // after kept
	writing chan struct{} // closed when all is written; nil: it is
}

// feedMost is how many lines are kept, a few seconds of a busy sink's.
const feedMost = 10_000

func (f *feed) open() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begun = true
	f.write()
}

// say writes one line.
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

// write has what is kept written, unless that is being done.
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

// take returns what is kept; nothing is the end of the writing.
func (f *feed) take() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.kept) == 0 {
		close(f.writing)
		f.writing = nil
		return ""
	}
	if f.missed > 0 {
		f.kept = append(f.kept, fmt.Sprintf("… %s missed: they came faster than they were read", words.Plural(int64(f.missed), "line")))
	}
	text := strings.Join(f.kept, "\n") + "\n"
	f.kept, f.missed = nil, 0
	return text
}

// finish waits until all is written, for a second at most: nobody may be reading.
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

// timed writes text of any length behind a time.
func (f *feed) timed(stamp, text string) {
	next := "\n" + strings.Repeat(" ", len(stamp)+term.Gap)
	f.say(stamp + "  " + strings.Join(term.Wrap(term.Clean(text), term.Columns-len(stamp)-term.Gap), next))
}

// stamp is an instant as the lines show it: where the clock is the system's, the
// day goes without saying; where a minute is a second or less, seconds do.
func (s *sandbox) stamp(t time.Time) string {
	layout := time.DateTime
	switch {
	case s.clock.System():
		layout = time.TimeOnly
	case s.clock.Rate() >= 60:
		layout = "2006-01-02 15:04"
	}
	return t.In(s.relay.cfg.Zone()).Format(layout)
}

func (s *sandbox) tellTaken(m *sink.Message) {
	s.out.say(s.passing(m.Time, m.From, m.To, fmt.Sprintf("%7s  %s", words.Size(m.Size), term.Clean(m.Subject))))
}

func (s *sandbox) tellRefused(r *sink.Refusal) {
	s.out.say(s.passing(r.Time, r.From, r.To, term.Clean(r.Reply)))
}

// passing is a line of the sink's, a screen wide at most.
func (s *sandbox) passing(t time.Time, from string, to []string, rest string) string {
	head := s.stamp(t)
	const width = 36
	more := ""
	if n := len(to) - 1; n > 0 {
		more = fmt.Sprintf(" +%d", n)
	}
	who := pair(term.Clean(orElse(from, "<>")), term.Clean(to[0]), width-len(more)) + more
	return term.Cut(head+"  "+term.Pad(who, width, false)+"  "+rest, term.Columns)
}

// pair is "a → b" in width characters; the longer one is cut first.
func pair(a, b string, width int) string {
	const arrow = " → "
	room := width - utf8.RuneCountInString(arrow)
	short := min(utf8.RuneCountInString(a), utf8.RuneCountInString(b), room/2)
	a, b = term.Cut(a, room-min(short, utf8.RuneCountInString(b))), term.Cut(b, room-min(short, utf8.RuneCountInString(a)))
	return a + arrow + b
}
