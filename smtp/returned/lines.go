package returned

import (
	"bufio"
	"bytes"
	"io"
)

// chunk is the most of a line that is read at once.
const chunk = 4 << 10

// lines cuts a mail into lines. A line that is longer than chunk comes in pieces.
type lines struct {
	in    *bufio.Reader
	left  int
	begin bool // the next piece begins a line
}

func newLines(r io.Reader) *lines {
	return &lines{in: bufio.NewReaderSize(r, chunk), left: maxRead, begin: true}
}

// next returns a line, or a piece of one, with its end, and whether a line begins with it. It
// is valid until the next call. The error is io.EOF at the end, or at the limit.
func (l *lines) next() (piece []byte, begin bool, err error) {
	if l.left <= 0 {
		return nil, false, io.EOF
	}
	piece, err = l.in.ReadSlice('\n')
	begin, l.begin = l.begin, err == nil
	l.left -= len(piece)
	if err == bufio.ErrBufferFull || err == io.EOF && len(piece) > 0 {
		err = nil
	}
	return piece, begin, err
}

// trimEnd removes the end of a line.
func trimEnd(line []byte) []byte { return bytes.TrimRight(line, "\r\n") }

// sink takes the content of a part, in pieces.
type sink interface{ write(b []byte) }

// text keeps the beginning of a part.
type text struct{ b []byte }

func (t *text) write(b []byte) { t.b = append(t.b, b[:min(len(b), maxText-len(t.b))]...) }

// splitter cuts decoded content into lines and hands them on without their ends.
type splitter struct {
	line func([]byte)
	part []byte // of a line that has not ended
}

func (s *splitter) write(b []byte) {
	for len(b) > 0 {
		n := bytes.IndexByte(b, '\n')
		if n < 0 {
			s.keep(b)
			return
		}
		if len(s.part) == 0 {
			s.line(trimEnd(b[:n]))
		} else {
			s.keep(b[:n])
			s.line(trimEnd(s.part))
			s.part = s.part[:0]
		}
		b = b[n+1:]
	}
}

// keep adds to the line; what is too long for a field is left out.
func (s *splitter) keep(b []byte) { s.part = append(s.part, b[:min(len(b), maxField-len(s.part))]...) }

// end hands on a last line without an end.
func (s *splitter) end() {
	if len(s.part) > 0 {
		s.line(trimEnd(s.part))
		s.part = s.part[:0]
	}
}
