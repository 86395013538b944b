package cli

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// Rows that a stream holds back to find the widths of its columns, and how long.
const (
	streamRows = 100
	streamWait = 50 * time.Millisecond
)

// stream is a table or, for programs, an array of any length: rows go out as they
// come. A table is as wide as its first rows need; a later row that needs more gets
// it from then on, within a screen.
type stream struct {
	c       *call
	t       *table
	a       array
	wants   []int // widths without regard to the screen
	widths  []int // nil: none is written yet
	began   time.Time
	flushed time.Time
	n       int64
	limit   int64 // 0: none
}

func (c *call) stream(limit int64, columns ...column) *stream {
	return &stream{c: c, t: newTable(columns...), a: array{w: c.Stdout}, limit: limit}
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
	if s.c.json {
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

// write writes what was held back.
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
	_, err := fmt.Fprintln(s.c.Stdout, s.t.line(s.widths, row))
	return errors.Join(err, s.out(false))
}

// out sends what was written to whoever asked, now and then, or at once.
func (s *stream) out(now bool) error {
	const most = 100 * time.Millisecond
	if t := time.Now(); now || t.Sub(s.flushed) > most {
		s.flushed = t
		return s.c.flush(nil)
	}
	return nil
}

// pause is for the walk: nothing is held back for long, and it ends when whoever
// asked has gone.
func (s *stream) pause() error {
	if err := s.c.ctx.Err(); err != nil {
		return err
	}
	if s.n > 0 && s.widths == nil && !s.c.json && time.Since(s.began) > streamWait {
		return s.write()
	}
	return nil
}

// end of the walk, which may have had enough.
func (s *stream) end(err error) error {
	if errors.Is(err, errEnough) {
		err = nil
	}
	switch {
	case s.c.json:
		err = errors.Join(err, s.a.end())
	case err == nil && s.widths == nil:
		err = s.write()
	}
	if err == nil && s.limit > 0 && s.n == s.limit {
		s.c.note("there may be more: --limit %d is reached", s.limit)
	}
	return err
}
