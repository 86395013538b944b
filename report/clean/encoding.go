package clean

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// Encodings of lists. Text of both UTF-16 is written as UTF-8.
const (
	UTF8    = "UTF-8"
	Latin1  = "Latin-1"
	UTF16LE = "UTF-16LE"
	UTF16BE = "UTF-16BE"
)

// ErrUTF16 says that text is no valid UTF-16.
var ErrUTF16 = errors.New("it begins as UTF-16, and is not valid as such")

const utf8BOM = "\ufeff"

// magic numbers of files that are often taken for lists.
var magic = []struct {
	is   string
	kind error
}{
	{"PK\x03\x04", ErrWorkbook}, {"\xd0\xcf\x11\xe0", ErrWorkbook},
	{"\x1f\x8b", ErrPacked}, {"BZh", ErrPacked}, {"\xfd7zXZ", ErrPacked}, {"7z\xbc\xaf", ErrPacked}, {"\x28\xb5\x2f\xfd", ErrPacked},
	{"%PDF-", ErrBinary}, {"SQLite format 3", ErrBinary},
}

// encodingOf says how text that begins with head is encoded, and refuses what is none.
func encodingOf(head []byte) (string, error) {
	for _, m := range magic {
		if bytes.HasPrefix(head, []byte(m.is)) {
			return "", m.kind
		}
	}
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe, 0, 0}), bytes.HasPrefix(head, []byte{0, 0, 0xfe, 0xff}):
		return "", ErrBinary // UTF-32
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		return UTF16LE, nil
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return UTF16BE, nil
	case bytes.IndexByte(head, 0) >= 0:
		return wide(head)
	case utf8.Valid(trimmed(head)):
		return UTF8, nil
	}
	return Latin1, nil
}

// trimmed leaves out a character that the end of head may have cut.
func trimmed(head []byte) []byte {
	for n := len(head); n > 0 && n > len(head)-utf8.UTFMax; n-- {
		if utf8.RuneStart(head[n-1]) {
			if !utf8.FullRune(head[n-1:]) {
				return head[:n-1]
			}
			break
		}
	}
	return head
}

// wide tells UTF-16 without a byte order mark from files that hold no text: every second
// octet of most letters and signs in addresses is zero.
func wide(head []byte) (string, error) {
	var zero [2]int
	for i, b := range head {
		if b == 0 {
			zero[i%2]++
		}
	}
	switch most := len(head) / 4; {
	case zero[1] > most && zero[0] < zero[1]/10:
		return UTF16LE, nil
	case zero[0] > most && zero[1] < zero[0]/10:
		return UTF16BE, nil
	}
	return "", ErrBinary
}

// narrow reads UTF-16 as UTF-8. The text gets a byte order mark, by which spreadsheets
// know it.
type narrow struct {
	in    io.Reader
	order binary.ByteOrder

	raw  []byte // read and not converted
	out  []byte // converted and not handed out
	err  error
	some bool // something was converted
}

func newNarrow(in io.Reader, encoding string) *narrow {
	n := &narrow{in: in, order: binary.LittleEndian}
	if encoding == UTF16BE {
		n.order = binary.BigEndian
	}
	return n
}

// Read implements io.Reader.
func (n *narrow) Read(p []byte) (int, error) {
	for len(n.out) == 0 && n.err == nil {
		n.fill()
	}
	if len(n.out) == 0 {
		return 0, n.err
	}
	k := copy(p, n.out)
	n.out = n.out[k:]
	return k, nil
}

// fill reads and converts another piece.
func (n *narrow) fill() {
	piece := make([]byte, 32<<10)
	k, err := n.in.Read(piece)
	n.raw = append(n.raw, piece[:k]...)
	n.convert(errors.Is(err, io.EOF))
	if n.err == nil {
		n.err = err
	}
}

// convert converts what was read, but for the part of a character that may go on.
func (n *narrow) convert(last bool) {
	n.out = n.out[:0]
	for len(n.raw) >= 2 {
		r, size := rune(n.order.Uint16(n.raw)), 2
		if utf16.IsSurrogate(r) {
			if len(n.raw) < 4 {
				break
			}
			if r, size = utf16.DecodeRune(r, rune(n.order.Uint16(n.raw[2:]))), 4; r == utf8.RuneError {
				n.err = ErrUTF16
				return
			}
		}
		n.raw = n.raw[size:]
		if !n.some && r != '\ufeff' {
			n.out = append(n.out, utf8BOM...)
		}
		n.some = true
		n.out = utf8.AppendRune(n.out, r)
	}
	if last && len(n.raw) > 0 {
		n.err = ErrUTF16
	}
}

// inUTF8 is a cell as UTF-8: what is none is taken for Latin-1.
func inUTF8(cell []byte) string {
	if utf8.Valid(cell) {
		return string(cell)
	}
	text := make([]rune, len(cell))
	for i, b := range cell {
		text[i] = rune(b)
	}
	return string(text)
}
