package clean

import (
	"bytes"
	"errors"
	"io"
)

// Bounds of a record.
const (
	mostRecord = 1 << 20   // octets
	mostQuoted = 128 << 10 // between two quotes: a spreadsheet's cell holds 32,767 characters
)

// dialect is how a list divides records and fields.
type dialect struct {
	sep byte // 0: a line is one field
	cr  bool // a CR alone ends a line too
}

// span is where a field stands in its record, quotes included.
type span struct{ from, to int }

// record is a line of a list, or several where a quoted field has line ends.
type record struct {
	raw    []byte // as it stands, with its line end
	fields []span
	line   int64 // its first, from 1
}

// field returns the n-th field, from 0; nil: the record has fewer.
func (r *record) field(n int) []byte {
	if n >= len(r.fields) {
		return nil
	}
	return r.raw[r.fields[n].from:r.fields[n].to]
}

// reader cuts a list into records.
type reader struct {
	dialect
	in  io.Reader
	buf []byte // read and not yet cut
	err error  // of in; io.EOF too

	room []byte // where buf stands

	rec   record
	lines int64 // before the next record
}

// peek reads until n octets are there, or all.
func (r *reader) peek(n int) ([]byte, error) {
	for len(r.buf) < n && r.err == nil {
		r.fill()
	}
	if errors.Is(r.err, io.EOF) {
		return r.buf, nil
	}
	return r.buf, r.err
}

const piece = 64 << 10

// fill reads more. The octets of the last record are gone with it.
func (r *reader) fill() {
	if cap(r.buf)-len(r.buf) < piece {
		if len(r.room) < len(r.buf)+2*piece {
			r.room = make([]byte, 2*len(r.buf)+4*piece)
		}
		r.buf = r.room[:copy(r.room, r.buf)]
	}
	n, err := r.in.Read(r.buf[len(r.buf):cap(r.buf)])
	r.buf, r.err = r.buf[:len(r.buf)+n], err
}

// next returns the next record, valid until the call after it; io.EOF: there is none.
func (r *reader) next() (*record, error) {
	for {
		all := r.err != nil
		if len(r.buf) == 0 && all {
			return nil, r.err
		}
		if n := r.cut(r.buf, all); n > 0 {
			if all && n == len(r.buf) && !errors.Is(r.err, io.EOF) {
				return nil, r.err // it may be cut off
			}
			r.rec.raw, r.rec.line = r.buf[:n], r.lines+1
			r.buf = r.buf[n:]
			r.lines += int64(r.lineEnds(r.rec.raw))
			return &r.rec, nil
		}
		if len(r.buf) > mostRecord {
			return nil, ErrLongLine
		}
		r.fill()
	}
}

// cut finds the fields of the first record in b and returns its length; 0: it goes on
// behind b. last: nothing comes behind b.
func (r *reader) cut(b []byte, last bool) int {
	r.rec.fields = r.rec.fields[:0]
	for i := 0; ; {
		end, whole := r.fieldAt(b, i, last)
		if !whole {
			return 0
		}
		r.rec.fields = append(r.rec.fields, span{i, end})
		if end == len(b) || r.sep == 0 || b[end] != r.sep {
			return r.behind(b, end)
		}
		i = end + 1
	}
}

// behind returns where the line that ends at end leaves off, its line end counted.
func (r *reader) behind(b []byte, end int) int {
	switch {
	case end == len(b):
		return end
	case b[end] == '\r' && end+1 < len(b) && b[end+1] == '\n':
		return end + 2
	}
	return end + 1
}

// fieldAt returns where the field at i ends: at a separator, a line end or the end of all.
func (r *reader) fieldAt(b []byte, i int, last bool) (end int, whole bool) {
	if r.sep != 0 {
		if i, whole = r.quoted(b, i, last); !whole {
			return 0, false
		}
	}
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\n', c == r.sep && r.sep != 0:
			return i, true
		case c == '\r' && r.cr:
			return i, last || i+1 < len(b)
		}
	}
	return i, last
}

// quoted returns where the quoted part of the field at i ends; i itself where it has none.
// A quote that no other one closes before a separator or a line end is a character like
// others, if line ends would stand in between.
func (r *reader) quoted(b []byte, i int, last bool) (end int, whole bool) {
	from := i
	for from < len(b) && (b[from] == ' ' || b[from] == '\t' && r.sep != '\t') {
		from++
	}
	if from == len(b) {
		return i, last
	}
	if b[from] != '"' {
		return i, true
	}
	for j, limit := from+1, min(len(b), from+mostQuoted); ; {
		k := -1
		if j < limit {
			k = bytes.IndexByte(b[j:limit], '"')
		}
		if k < 0 {
			return i, last || len(b) >= from+mostQuoted
		}
		j += k + 1
		if j < len(b) && b[j] == '"' {
			j++
			continue
		}
		ends, known := r.ends(b, j, last)
		switch {
		case !known:
			return 0, false
		case !ends && b[j-2] == '\\' && j-2 > from: // MySQL's way to write a quote
		case !ends && bytes.ContainsAny(b[from:j], "\r\n"):
			return i, true
		default:
			return j, true
		}
	}
}

// ends reports whether a field ends at j, blanks aside; known: b says so.
func (r *reader) ends(b []byte, j int, last bool) (ends, known bool) {
	for j < len(b) && b[j] == ' ' {
		j++
	}
	if j == len(b) {
		return last, last
	}
	return b[j] == r.sep || b[j] == '\n' || b[j] == '\r', true
}

// lineEnds counts the lines that end in b.
func (r *reader) lineEnds(b []byte) int {
	n := bytes.Count(b, []byte{'\n'})
	if r.cr {
		n += bytes.Count(b, []byte{'\r'}) - bytes.Count(b, []byte("\r\n"))
	}
	return n
}
