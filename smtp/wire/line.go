package wire

import (
	"bytes"
	"strconv"
	"strings"
)

// Lengths of command lines.
const (
	MaxLine    = 2048    // octets of a command (RFC 5321 §4.5.3.1.4 with extensions)
	maxSwallow = 1 << 20 // octets of a line that is too long; beyond them its end is not waited for
	headLength = 64      // octets that are kept of it
)

// Unfit is an error about a line that is refused as a whole.
type Unfit struct {
	Text   []byte // the line, or a later part of it; of one that is too long its beginning. The next read takes it away
	BareLF bool   // it has one; else it is too long
	Seen   bool   // the line was refused before, and the client need not have seen that when it ended it
}

// Error implements error.
func (u *Unfit) Error() string {
	if u.BareLF {
		return ErrBareLF.Text
	}
	return ErrLineLimit.Text
}

var crlfOctets = []byte("\r\n")

// Line takes the next command line of at most so many octets, without its CRLF. idle:
// another goroutine may interrupt the wait. It fails with *Unfit, with ErrEndless, or as
// the connection does.
//
// A line ends at CRLF only. One with a bare LF in it, or one that is too long, is
// refused as a whole: what follows the LF belongs to the same line and is never run. Every
// LF is reported, since a client that ends its lines so waits there. The CRLF that ends
// such a line is marked as Seen unless the client had to see our refusal before it went on.
func (s *Stream) Line(most int, idle bool) ([]byte, error) {
	waited := len(s.in) == 0
	text, long, err := s.segment(most, idle)
	if err != nil {
		return nil, err
	}
	line, whole := bytes.CutSuffix(text, crlfOctets)
	rest := s.tail
	s.tail = !whole
	if whole && !rest && !long {
		return line, nil
	}
	return nil, &Unfit{Text: text, BareLF: !whole || rest, Seen: whole && rest && !waited}
}

// segment takes what was read up to the next LF, with it. Of what is too long for
// a line only the beginning and the last octets are left.
func (s *Stream) segment(most int, idle bool) (text []byte, long bool, err error) {
	looked, thrown := 0, 0
	for {
		if i := bytes.IndexByte(s.in[looked:], '\n'); i >= 0 {
			text = s.in[:looked+i+1]
			s.in = s.in[len(text):]
			return text, thrown > 0 || len(text) > most+len(crlfOctets), nil
		}
		looked = len(s.in)
		if looked > most+1 { // one for the CR
			if thrown += looked - headLength - 1; thrown > maxSwallow {
				return nil, true, ErrEndless
			}
			s.in[headLength] = s.in[looked-1]
			s.in = s.in[:headLength+1]
			looked = len(s.in)
		}
		if err := s.fill(idle, looked == 0); err != nil {
			return nil, long, err
		}
	}
}

// Verb of the line.
func (u *Unfit) Verb() string {
	verb, _ := SplitCommand(u.Text[:min(len(u.Text), headLength)])
	return verb
}

// SplitCommand cuts the verb off, in upper case. "": it is longer than any.
func SplitCommand(line []byte) (verb, arg string) {
	v, a := line, []byte(nil)
	if i := bytes.IndexAny(line, " \t"); i >= 0 {
		v, a = line[:i], line[i+1:]
	}
	var up [8]byte
	if len(v) > len(up) {
		return "", ""
	}
	for i, b := range v {
		if 'a' <= b && b <= 'z' {
			b -= 'a' - 'A'
		}
		up[i] = b
	}
	switch s := up[:len(v)]; string(s) { // the usual ones without an allocation
	case "MAIL":
		verb = "MAIL"
	case "RCPT":
		verb = "RCPT"
	case "DATA":
		verb = "DATA"
	case "BDAT":
		verb = "BDAT"
	default:
		verb = string(s)
	}
	return verb, string(bytes.TrimSpace(a))
}

// HasControl reports a line with control characters in it.
func HasControl(line []byte) bool {
	return bytes.IndexFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) >= 0
}

// Chunk is what a BDAT command announces (RFC 3030 §2).
type Chunk struct {
	Size int64
	Last bool
}

// ParseChunk reads what follows "BDAT ".
func ParseChunk(arg string) (ch Chunk, bad *Reply) {
	size, last, _ := strings.Cut(arg, " ")
	n, err := strconv.ParseUint(size, 10, 62)
	if err != nil || last != "" && !strings.EqualFold(strings.TrimSpace(last), "LAST") {
		return ch, ErrSyntax.With("BDAT size [LAST] expected, closing")
	}
	return Chunk{int64(n), last != ""}, nil
}

var httpMethods = [][]byte{[]byte("GET "), []byte("POST "), []byte("HEAD "), []byte("PUT "), []byte("OPTIONS "), []byte("CONNECT "),
	[]byte("DELETE "), []byte("TRACE "), []byte("PATCH "), []byte("PRI ")}

var (
	httpVersion = []byte(" HTTP/1.")
	httpHost    = []byte("Host:")
)

// IsHTTP reports whether a line that is no command of SMTP is one of an HTTP
// request: somebody has a browser speak to us, with content of his own in it.
func IsHTTP(line []byte) bool {
	for _, m := range httpMethods {
		if bytes.HasPrefix(line, m) {
			return true
		}
	}
	return bytes.Contains(line, httpVersion) || len(line) >= len(httpHost) && bytes.EqualFold(line[:len(httpHost)], httpHost)
}
