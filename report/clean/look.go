package clean

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Bounds of the first look at a list.
const (
	lookOctets  = 256 << 10
	lookRecords = 1000
)

// layout is how a list is written, and where its addresses are.
type layout struct {
	dialect
	column int
	name   string   // of the column; "": it has none
	others []string // columns that have addresses too
}

// separators in the order in which they are tried; 0: a line is one field.
var separators = []byte{0, ',', ';', '\t', '|'}

// layoutOf finds the layout of a list by its beginning. want is the name or the number of
// the column; "": it is found. whole: there is nothing behind head.
func layoutOf(head []byte, whole bool, want string) (layout, error) {
	var best, first *sample
	for _, d := range dialects(head) {
		s := newSample(d, head, whole)
		if first == nil || len(s.head) > len(first.head) {
			first = s
		}
		if s.choose(want) && (best == nil || s.better(best)) {
			best = s
		}
	}
	switch {
	case best == nil:
		return layout{}, &NoColumn{Column: want, Columns: first.head}
	case want == "" && best.score() == 0 && (best.rows > 0 || !whole) && rank(best.head, best.column) == 0:
		return layout{}, ErrNoAddresses
	}
	return best.layout(), nil
}

// dialects that a list may be written in. A first line "sep=;", as Excel knows it, settles
// the separator.
func dialects(head []byte) (list []dialect) {
	seps := separators
	if sep := declared(head); sep != 0 {
		seps = []byte{sep}
	}
	lone := bytes.Count(head, []byte{'\r'}) > bytes.Count(head, []byte("\r\n"))
	for _, sep := range seps {
		list = append(list, dialect{sep: sep})
		if lone {
			list = append(list, dialect{sep: sep, cr: true})
		}
	}
	return list
}

// declared is the separator that a first line declares; 0: it declares none.
func declared(line []byte) byte {
	if i := bytes.IndexAny(line, "\r\n"); i >= 0 {
		line = line[:i]
	}
	sep, ok := bytes.CutPrefix(bytes.Trim(line, `" `), []byte("sep="))
	if ok && len(sep) == 1 && slices.Contains(separators, sep[0]) {
		return sep[0]
	}
	return 0
}

// sample is the beginning of a list, read in one dialect.
type sample struct {
	dialect
	rows    int      // that have something in them
	even    bool     // all have as many fields, more than one
	head    []string // the first of them
	columns []column
	column  int // that was chosen
}

// column is what the rows have in one of their fields.
type column struct {
	cells     int             // with addresses, and nothing else but names
	addresses map[string]bool // all different ones
}

func newSample(d dialect, head []byte, whole bool) *sample {
	s := &sample{dialect: d, even: true}
	r := &reader{dialect: d, buf: head, err: io.EOF}
	for range lookRecords {
		rec, err := r.next()
		if err != nil || !whole && len(r.buf) == 0 { // the last one may be cut off
			break
		}
		if !d.blank(rec) && declared(rec.raw) == 0 {
			s.add(rec)
		}
	}
	return s
}

func (s *sample) add(rec *record) {
	if s.rows++; s.rows == 1 {
		for i := range rec.fields {
			s.head = append(s.head, s.text(rec, i))
		}
	}
	s.even = s.even && len(rec.fields) == len(s.head) && len(s.head) > 1
	for i := range rec.fields {
		if i == len(s.columns) {
			s.columns = append(s.columns, column{addresses: map[string]bool{}})
		}
		if text := s.text(rec, i); strings.Contains(text, "@") && only(text) {
			s.columns[i].cells++
			for _, m := range mailboxes(nil, text) {
				s.columns[i].addresses[m] = true
			}
		}
	}
}

// choose chooses the column, if this dialect has it.
func (s *sample) choose(want string) bool {
	if want != "" {
		n, err := strconv.Atoi(want)
		if err != nil {
			n = 1 + slices.IndexFunc(s.head, func(name string) bool { return strings.EqualFold(name, strings.TrimSpace(want)) })
		}
		s.column = n - 1
		return 0 < n && n <= len(s.columns)
	}
	s.column = s.likely()
	return true
}

// likely is the column that most likely has the addresses: of those with half as many as
// any has, or more, the one whose name says so.
func (s *sample) likely() (column int) {
	most := 0
	for i := range s.columns {
		most = max(most, s.different(i))
	}
	better := func(i, j int) bool {
		if a, b := rank(s.head, i), rank(s.head, j); a != b {
			return a > b
		}
		return s.different(i) > s.different(j)
	}
	column = -1
	for i := range s.columns {
		if 2*s.different(i) >= most && (column < 0 || better(i, column)) {
			column = i
		}
	}
	return max(column, 0)
}

// different is how many different addresses a column has.
func (s *sample) different(column int) int { return len(s.columns[column].addresses) }

// score is how many cells of the chosen column have addresses.
func (s *sample) score() int {
	if s.column >= len(s.columns) {
		return 0
	}
	return s.columns[s.column].cells
}

// better reports whether a dialect found more than one that was tried before it.
func (s *sample) better(than *sample) bool {
	return s.score() > than.score() || s.score() == than.score() && s.even && !than.even
}

func (s *sample) layout() layout {
	l := layout{dialect: s.dialect, column: s.column}
	if s.column < len(s.head) && !strings.Contains(s.head[s.column], "@") {
		l.name = s.head[s.column]
	}
	for i := range s.columns {
		if i != s.column && s.different(i) > 0 && 2*s.different(i) >= s.different(s.column) {
			name := strconv.Itoa(i + 1)
			if l.name != "" && i < len(s.head) && s.head[i] != "" {
				name = s.head[i]
			}
			l.others = append(l.others, name)
		}
	}
	return l
}

// names of a column of addresses, as programs write them, letters alone.
var names = []string{"email", "emailaddress", "mail", "mailaddress", "recipient", "emailadresse", "mailadresse", "indirizzoemail", "postaelettronica", "correo", "courriel", "address"}

// rank is how well the name of a column suits addresses; 0: not at all.
func rank(head []string, column int) int {
	if column >= len(head) {
		return 0
	}
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -_.:*", r) {
			return -1
		}
		return r
	}, strings.ToLower(head[column]))
	if i := slices.Index(names, name); i >= 0 {
		return len(names) - i
	}
	return 0
}

// NoColumn says that a list has no column of that name or number.
type NoColumn struct {
	Column  string
	Columns []string // the list's first row
}

func (e *NoColumn) Error() string { return "it has no column " + e.Column }

// Reasons not to clean a list.
var (
	ErrNoAddresses = errors.New("none of its first rows has an address")
	ErrWorkbook    = errors.New("it is a spreadsheet's own format")
	ErrPacked      = errors.New("it is packed")
	ErrBinary      = errors.New("it is not text")
	ErrLongLine    = errors.New("a line is longer than a mailing list's")
	ErrNoEntries   = errors.New("it is not a list of errors")
)
