package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
	"unicode/utf8"
)

// Rows that a stream holds back to find the widths of its columns, and how long.
const (
	streamRows = 100
	streamWait = 50 * time.Millisecond
)

// errEnough ends a scan that has found as much as was asked for.
var errEnough = errors.New("enough")

// output is where a command writes its result.
type output struct {
	w    io.Writer
	json bool                             // for programs
	note func(format string, args ...any) // to the operator, beside the result
}

// flush sends what is written so far on its way, where a writer holds it back.
func (o *output) flush() {
	if f, ok := o.w.(interface{ Flush() }); ok {
		f.Flush()
	}
}

// stream is a table or, for programs, an array of any length: rows go out as they
// come. A table is as wide as its first rows need; a later row that needs more gets
// it from then on, within the width of a terminal.
type stream struct {
	ctx     context.Context
	to      output
	t       *table
	a       array
	wants   []int // widths without regard to the screen
	widths  []int // nil: none is written yet
	began   time.Time
	flushed time.Time
	n       int64
	limit   int64 // 0: none
}

// newStream begins a list of at most limit rows; 0: of any number. It ends with ctx.
func newStream(ctx context.Context, to output, limit int64, columns ...column) *stream {
	return &stream{ctx: ctx, to: to, t: newTable(columns...), a: newArray(to.w), limit: limit}
}

// add writes a row: v for programs, cells for people. It ends the walk with
// errEnough at the limit.
func (s *stream) add(v any, cells ...string) error {
	if s.n++; s.n == 1 {
		s.began = time.Now()
	}
	err := s.put(v, cells)
	if err == nil && s.n == s.limit {
		return errEnough
	}
	return err
}

func (s *stream) put(v any, cells []string) error {
	if s.to.json {
		return errors.Join(s.a.add(v), s.out(false))
	}
	if s.t.add(cells...); s.widths == nil {
		if len(s.t.rows) < streamRows {
			return nil
		}
		return s.write()
	}
	row := s.t.rows[0]
	s.t.rows = s.t.rows[:0]
	if s.grow(row) {
		s.widths = s.t.fit(slices.Clone(s.wants))
	}
	return s.line(row)
}

// grow says whether a row needs more room than those before it.
func (s *stream) grow(row []string) (more bool) {
	for i, cell := range row {
		if w := utf8.RuneCountInString(cell); w > s.wants[i] {
			s.wants[i], more = w, true
		}
	}
	return more
}

// write writes the rows that were held back.
func (s *stream) write() error {
	s.wants = s.t.natural()
	s.widths = s.t.fit(slices.Clone(s.wants))
	heads := make([]string, len(s.t.columns))
	for i, c := range s.t.columns {
		heads[i] = c.head
	}
	rows := s.t.rows
	s.t.rows = nil
	for _, row := range slices.Insert(rows, 0, heads) {
		if err := s.line(row); err != nil {
			return err
		}
	}
	return s.out(true)
}

func (s *stream) line(row []string) error {
	_, err := fmt.Fprintln(s.to.w, s.t.line(s.widths, row))
	return errors.Join(err, s.out(false))
}

// out sends what was written to the reader, every 100 ms or at once.
func (s *stream) out(now bool) error {
	const most = 100 * time.Millisecond
	if t := time.Now(); now || t.Sub(s.flushed) > most {
		s.flushed = t
		s.to.flush()
	}
	return nil
}

// pause is called by the walk between rows: rows are not held back for long, and the
// walk ends when the reader has gone.
func (s *stream) pause() error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if s.n > 0 && s.widths == nil && !s.to.json && time.Since(s.began) > streamWait {
		return s.write()
	}
	return nil
}

// end ends the list after the walk, whose error may be errEnough.
func (s *stream) end(err error) error {
	if errors.Is(err, errEnough) {
		err = nil
	}
	switch {
	case s.to.json:
		err = errors.Join(err, s.a.end())
	case err == nil && s.widths == nil:
		err = s.write()
	}
	if err == nil && s.limit > 0 && s.n == s.limit {
		s.to.note("there may be more: --limit %d is reached", s.limit)
	}
	return err
}
