package sandbox

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"relay/cli/sandbox/sink"
	"relay/cli/term"
	"relay/report/words"
)

// timed writes text of any length after a time, wrapped to the screen.
func (f *feed) timed(stamp, text string) {
	next := "\n" + strings.Repeat(" ", len(stamp)+term.Gap)
	f.say(stamp + "  " + strings.Join(term.Wrap(words.Clean(text), term.Columns-len(stamp)-term.Gap), next))
}

// stamp is an instant as the lines show it: without the day when the clock is the
// system's, without seconds when a minute passes in a second or less.
func (s *sandbox) stamp(t time.Time) string {
	layout := time.DateTime
	switch {
	case s.clock.System():
		layout = time.TimeOnly
	case s.clock.Rate() >= 60:
		layout = "2006-01-02 15:04"
	}
	return t.In(s.cfg.Zone()).Format(layout)
}

// seller is the name that relay's own mail bears.
const seller = "The sandbox"

// tellTaken writes a line about an accepted message.
func (s *sandbox) tellTaken(m *sink.Message) {
	if about, ok := strings.CutPrefix(m.Subject, seller+": "); ok && m.From == "" { // relay wrote it: what it is about matters most
		s.out.say(words.Cut(s.stamp(m.Time)+"  to "+words.Clean(m.To[0])+": "+words.Clean(about), term.Columns))
		return
	}
	s.out.say(s.passing(m.Time, m.From, m.To, fmt.Sprintf("%7s  %s", words.Size(m.Size), words.Clean(m.Subject))))
}

// tellRefused writes a line about a refusal.
func (s *sandbox) tellRefused(r *sink.Refusal) {
	s.out.say(s.passing(r.Time, r.From, r.To, words.Clean(r.Reply)))
}

// passing is a line about a message at the sink, at most a screen wide.
func (s *sandbox) passing(t time.Time, from string, to []string, rest string) string {
	head := s.stamp(t)
	const width = 36
	more := ""
	if n := len(to) - 1; n > 0 {
		more = fmt.Sprintf(" +%d", n)
	}
	who := pair(words.Clean(cmp.Or(from, "<>")), words.Clean(to[0]), width-len(more)) + more
	return words.Cut(head+"  "+term.Pad(who, width, false)+"  "+rest, term.Columns)
}

// pair is "a → b" in width characters; the longer side is cut first.
func pair(a, b string, width int) string {
	const arrow = " → "
	room := width - utf8.RuneCountInString(arrow)
	short := min(utf8.RuneCountInString(a), utf8.RuneCountInString(b), room/2)
	a, b = words.Cut(a, room-min(short, utf8.RuneCountInString(b))), words.Cut(b, room-min(short, utf8.RuneCountInString(a)))
	return a + arrow + b
}
