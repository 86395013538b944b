package term

import (
	"context"
	"errors"
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

// ErrEnough ends a scan that has found as much as was asked for.
var ErrEnough = errors.New("enough")

// Output is where a command writes its result.
type Output struct {
	W    io.Writer
	JSON bool                             // for programs
	Note func(format string, args ...any) // to the operator, beside the result
}

// Flush sends what is written so far on its way, where a writer holds it back.
func (o *Output) Flush() {
	if f, ok := o.W.(interface{ Flush() }); ok {
		f.Flush()
	}
}

// Stream is a table or, for programs, an array of any length: rows go out as they
// come. A table is as wide as its first rows need; a later row that needs more gets
// it from then on, within the width of a terminal.
type Stream struct {
	ctx     context.Context
	to      Output
	t       *Table
	a       Array
	screen  int   // its width
	wants   []int // widths without regard to the screen
	widths  []int // nil: none is written yet
	began   time.Time
	flushed time.Time
	n       int64
	limit   int64 // 0: none
}

// NewStream begins a list of at most limit rows; 0: of any number. It ends with ctx.
func NewStream(ctx context.Context, to Output, limit int64, columns ...Column) *Stream {
	t := NewTable(columns...)
	t.coloured = Coloured(to.W, os.Getenv)
	return &Stream{ctx: ctx, to: to, t: t, a: NewArray(to.W), screen: Width(to.W), limit: limit}
}

// Add writes a row: v for programs, cells for people. It ends the walk with
// ErrEnough at the limit.
func (s *Stream) Add(v any, cells ...string) error {
	if s.n++; s.n == 1 {
		s.began = time.Now()
	}
	err := s.put(v, cells)
	if err == nil && s.n == s.limit {
		return ErrEnough
	}
	return err
}

func (s *Stream) put(v any, cells []string) error {
	if s.to.JSON {
		return errors.Join(s.a.Add(v), s.out(false))
	}
	if s.t.Add(cells...); s.widths == nil {
		if len(s.t.Rows) < StreamRows {
			return nil
		}
		return s.write()
	}
	row := s.t.Rows[0]
	s.t.Rows = s.t.Rows[:0]
	if s.grow(row) {
		s.widths = s.t.fit(slices.Clone(s.wants), s.screen)
	}
	return s.line(row)
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
	return s.out(true)
}

func (s *Stream) line(row []string) error {
	_, err := fmt.Fprintln(s.to.W, s.t.Line(s.widths, row))
	return errors.Join(err, s.out(false))
}

// out sends what was written to the reader, every 100 ms or at once.
func (s *Stream) out(now bool) error {
	const most = 100 * time.Millisecond
	if t := time.Now(); now || t.Sub(s.flushed) > most {
		s.flushed = t
		s.to.Flush()
	}
	return nil
}

// Pause is called by the walk between rows: rows are not held back for long, and the
// walk ends when the reader has gone.
func (s *Stream) Pause() error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if s.n > 0 && s.widths == nil && !s.to.JSON && time.Since(s.began) > streamWait {
		return s.write()
	}
	return nil
}

// End ends the list after the walk, whose error may be ErrEnough. After another error an
// array stays open, so that no program takes a part of a list for the whole.
func (s *Stream) End(err error) error {
	if errors.Is(err, ErrEnough) {
		err = nil
	}
	switch {
	case err != nil:
		return err
	case s.to.JSON:
		err = s.a.End()
	case s.widths == nil:
		err = s.write()
	}
	if err == nil && s.limit > 0 && s.n == s.limit {
		s.to.Note("there may be more: --limit %d is reached", s.limit)
	}
	return err
}
