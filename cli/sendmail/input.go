package sendmail

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"relay/cli/exit"
	"relay/report/words"
	"relay/smtp/content"
	"relay/store/mailsyntax"
)

// longest line of a message (RFC 5322 §2.1.1).
const longest = 998

// inputLines cuts what a program writes into lines that mail can carry. LF, CRLF
// and, in the text, a lone CR end one: what shows its progress on a terminal writes
// the last. In the header a lone CR is a space: a program that guards against line
// feeds in what goes into a field must not be given another field by it. NUL is left
// out. A line that is too long comes in parts, cut at a space
// where there is one.
type inputLines struct {
	r    *bufio.Reader
	dots bool   // a lone dot is a line like others
	head bool   // it is the header that is read
	buf  []byte // the line so far
	part bool   // buf continues a line that was too long
}

// next is a line without its end, valid until the call after it; more tells
// that the same line goes on. At the end it is io.EOF.
func (l *inputLines) next() (line []byte, more bool, err error) {
	for {
		c, err := l.r.ReadByte()
		switch {
		case errors.Is(err, io.EOF) && len(l.buf) > 0:
			return l.whole()
		case err != nil:
			return nil, false, err
		case c == '\r':
			lone, err := l.endOfCR()
			if err != nil {
				return nil, false, err
			}
			if !lone || !l.head {
				return l.whole()
			}
			l.buf = append(l.buf, ' ')
		case c == '\n':
			return l.whole()
		case c != 0:
			l.buf = append(l.buf, c)
		}
		if len(l.buf) > longest {
			return l.cut(), true, nil
		}
	}
}

// endOfCR takes what belongs to a CR that was read: more of them, and an LF. lone:
// there was none, and more follows.
func (l *inputLines) endOfCR() (lone bool, err error) {
	for {
		c, err := l.r.ReadByte()
		switch {
		case errors.Is(err, io.EOF), c == '\n' && err == nil:
			return false, nil
		case err != nil:
			return false, err
		case c != '\r':
			return true, l.r.UnreadByte()
		}
	}
}

func (l *inputLines) whole() ([]byte, bool, error) {
	line, part := l.buf, l.part
	l.buf, l.part = l.buf[:0], false
	if !l.dots && !part && len(line) == 1 && line[0] == '.' {
		return nil, false, io.EOF
	}
	return line, false, nil
}

// cut takes the first part of a line that is too long.
func (l *inputLines) cut() []byte {
	l.part = true
	n, next := bytes.LastIndexByte(l.buf, ' '), 0
	if n > longest/2 {
		next = n + 1
	} else {
		for n = longest; n > longest-utf8.UTFMax && !utf8.RuneStart(l.buf[n]); {
			n--
		}
		next = n
	}
	line := bytes.Clone(l.buf[:n])
	l.buf = append(l.buf[:0], l.buf[next:]...)
	return line
}

// inMemory is how much of a message is kept there; what is longer lies in a
// file.
const inMemory = 1 << 20

// spooled is the text of a message, read to its end before anything is handed
// over: a program may write its output for hours, no server waits for that.
// Lines end in CRLF.
type spooled struct {
	mem   []byte
	file  *os.File // unlinked; nil: all is in mem
	w     *bufio.Writer
	size  int64
	eight bool // there are octets above 127
}

func (s *spooled) line(text []byte) error {
	for _, c := range text {
		s.eight = s.eight || c >= 0x80
	}
	if err := s.write(text); err != nil {
		return err
	}
	return s.write([]byte("\r\n"))
}

func (s *spooled) write(b []byte) error {
	s.size += int64(len(b))
	if s.w == nil && len(s.mem)+len(b) <= inMemory {
		s.mem = append(s.mem, b...)
		return nil
	}
	if s.w == nil {
		if err := s.spill(); err != nil {
			return err
		}
	}
	_, err := s.w.Write(b)
	return err
}

// spill moves the message into a file that no other user can open and that ends with this
// process.
func (s *spooled) spill() error {
	f, err := os.CreateTemp("", "relay-sendmail-")
	if err != nil {
		return err
	}
	s.file, s.w = f, bufio.NewWriterSize(f, 64<<10)
	return os.Remove(f.Name())
}

// reader is the text from its beginning.
func (s *spooled) reader() (io.Reader, error) {
	if s.file == nil {
		return bytes.NewReader(s.mem), nil
	}
	if err := s.w.Flush(); err != nil {
		return nil, err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return io.MultiReader(bytes.NewReader(s.mem), s.file), nil
}

func (s *spooled) close() {
	if s.file != nil {
		_ = s.file.Close() // nothing of it is kept
	}
}

// spool reads the rest of the input.
func (l *inputLines) spool(s *spooled) error {
	for {
		line, _, err := l.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return exit.Fail(exit.TryAgain, "the program that writes it went away; send it again", "read the message: %w", err)
		}
		if err := s.line(line); err != nil {
			return exit.Fail(exit.TryAgain, "make space there, or name another place with TMPDIR", "keep the message in %s: %w", os.TempDir(), err)
		}
	}
}

// maxHeader is what a header may have, as at the relay's listeners.
const maxHeader = 256 << 10

// headerField of a message as it was written.
type headerField struct {
	name string // lower case
	text []byte // name, colon, value; folded lines are joined by CRLF
}

// value behind the colon, and where in text it begins.
func (f *headerField) value() (string, int) {
	i := bytes.IndexByte(f.text, ':') + 1
	return string(f.text[i:]), i
}

// header reads the header section. rest is the text behind it where no blank line
// stands between the two, up to the first blank one, else nil.
func (l *inputLines) header() (fields []headerField, rest []byte, err error) {
	l.head = true
	defer func() { l.head = false }()
	total, folded := 0, false
	var astray []byte // lines from one on that is no field; nil: none
	for first := true; ; first = false {
		line, more, err := l.next()
		if errors.Is(err, io.EOF) {
			return fields, astray, nil
		}
		if err != nil {
			return nil, nil, exit.Fail(exit.TryAgain, "the program that writes it went away; send it again", "read the message: %w", err)
		}
		if total += len(line); total > maxHeader {
			return nil, nil, exit.Fail(exit.WrongData, "a blank line must separate the header from the text", "the header of the message is longer than %s", words.Size(maxHeader))
		}
		name, ok := fieldName(line)
		if astray != nil {
			switch {
			case ok && content.IsMailField(name): // the header goes on
				fields, astray = append(fields, fieldsAmong(astray)...), nil
			case len(line) == 0, len(astray) > maxAstray:
				return fields, append(append(astray, "\r\n"...), line...), nil
			default:
				astray = append(append(astray, "\r\n"...), line...)
				continue
			}
		}
		switch {
		case folded: // by us, at a space
			fields[len(fields)-1].add("\r\n ", line)
		case len(line) == 0:
			return fields, nil, nil
		case first && bytes.HasPrefix(line, []byte("From ")): // of a mailbox file
			continue
		case len(fields) > 0 && (line[0] == ' ' || line[0] == '\t'):
			fields[len(fields)-1].add("\r\n", line)
		case ok:
			fields = append(fields, headerField{name, bytes.Clone(line)})
		case len(fields) > 0 && fields[len(fields)-1].goesOn(line):
			fields[len(fields)-1].add("\r\n ", line)
		default: // the relay judges such lines the same way
			astray = append(make([]byte, 0, len(line)), line...)
			continue
		}
		folded = more
	}
}

// maxAstray octets are read from a line on that is no field, to see whether the header
// goes on behind it or it was text.
const maxAstray = 16 << 10

// fieldsAmong are the fields among lines that were read as text.
func fieldsAmong(lines []byte) (fields []headerField) {
	kept := false
	for line := range bytes.SplitSeq(lines, []byte("\r\n")) {
		name, ok := fieldName(line)
		switch folded := line[0] == ' ' || line[0] == '\t'; {
		case !folded && ok:
			fields = append(fields, headerField{name, bytes.Clone(line)})
		case folded && kept:
			fields[len(fields)-1].add("\r\n", line)
			continue
		}
		kept = ok
	}
	return fields
}

// goesOn reports whether a line that is no field has further recipients, after a fold
// without its space.
func (f *headerField) goesOn(line []byte) bool {
	if !isRecipientField(strings.TrimPrefix(f.name, "resent-"), "") {
		return false
	}
	return bytes.HasSuffix(bytes.TrimRight(f.text, " \t"), []byte(",")) ||
		strings.HasSuffix(f.name, "bcc") && bytes.IndexByte(line, '@') >= 0
}

func (f *headerField) add(fold string, line []byte) {
	f.text = append(append(f.text, fold...), line...)
}

// fieldName of a header line, in lower case.
func fieldName(line []byte) (string, bool) {
	name, _, ok := mailsyntax.SplitField(line)
	return string(bytes.ToLower(name)), ok
}
