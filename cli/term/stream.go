package term

import (
	"fmt"
	"io"
	"os"
	"slices"
	"time"
	"unicode/utf8"
)

// Rows that a stream holds back to find the widths of its columns, and how long.
const (
	StreamRows = 100
	streamWait = 50 * time.Millisecond
)

// Output is where a command writes its result.
type Output struct {
	W    io.Writer
	JSON bool                             // for programs
	Note func(format string, args ...any) // to the operator, beside the result
}

// Stream is a table or, for programs, an array of any length: rows go out as they
// come. A table is as wide as its first rows need; a later row that needs more gets
// it from then on, within the width of a terminal.
type Stream struct {
	to     Output
	t      *Table
	a      Array
	screen int   // its width
	wants  []int // widths without regard to the screen
	widths []int // nil: none is written yet
	began  time.Time
	n      int64
	limit  int64  // 0: none
	empty  string // see NewStream
}

// NewStream begins a list of at most limit rows; 0: of any number. empty is what people
// read in place of a table without rows; "": its head alone.
func NewStream(to Output, limit int64, empty string, columns ...Column) *Stream {
	t := NewTable(columns...)
	t.coloured = Coloured(to.W, os.Getenv)
	return &Stream{to: to, t: t, a: NewArray(to.W), screen: Width(to.W), limit: limit, empty: empty}
}

// Add writes a row: v for programs, cells for people.
func (s *Stream) Add(v any, cells ...string) error {
	if s.n++; s.to.JSON {
		return s.a.Add(v)
	}
	if s.t.Add(cells...); s.widths == nil {
		return s.holdBack()
	}
	row := s.t.Rows[0]
	s.t.Rows = s.t.Rows[:0]
	if s.grow(row) {
		s.widths = s.t.fit(slices.Clone(s.wants), s.screen)
	}
	return s.line(row)
}

// holdBack waits for more rows, as long as a reader does not notice.
func (s *Stream) holdBack() error {
	if s.n == 1 {
		s.began = time.Now()
	}
	if len(s.t.Rows) < StreamRows && time.Since(s.began) <= streamWait {
		return nil
	}
	return s.write()
}

// grow says whether a row needs more room than those before it.
func (s *Stream) grow(row []string) (more bool) {
	for i, cell := range row {
		if w := utf8.RuneCountInString(cell); w > s.wants[i] {
			s.wants[i], more = w, true
		}
	}
	return more
}

// write writes the rows that were held back.
func (s *Stream) write() error {
	s.wants = s.t.natural()
	s.widths = s.t.fit(slices.Clone(s.wants), s.screen)
	heads := make([]string, len(s.t.Columns))
	for i, c := range s.t.Columns {
		heads[i] = c.Head
	}
	rows := s.t.Rows
	s.t.Rows = nil
	for _, row := range slices.Insert(rows, 0, heads) {
		if err := s.line(row); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stream) line(row []string) error {
	_, err := fmt.Fprintln(s.to.W, s.t.line(s.widths, row))
	return err
}

// End ends the list after the walk. After an error an array stays open, so that no
// program takes a part of a list for the whole.
func (s *Stream) End(err error) error {
	switch {
	case err != nil:
		return err
	case s.to.JSON:
		err = s.a.End()
	case s.n == 0 && s.empty != "":
		_, err = fmt.Fprintln(s.to.W, s.empty)
	case s.widths == nil:
		err = s.write()
	}
	if err == nil && s.limit > 0 && s.n == s.limit {
		s.to.Note("there may be more: --limit %d is reached", s.limit)
	}
	return err
}
