package clean

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"

	"relay/report/words"
)

// Options say what goes.
type Options struct {
	Entries Entries
	Column  string // name or number, from 1, of the column with the addresses; "": it is found
	Dedupe  bool   // rows whose addresses have all stood in rows before go too
}

// Result is what became of a list.
type Result struct {
	Encoding  string
	Separator byte     // 0: a plain list, one entry a line
	Column    int      // from 1
	Name      string   // of that column; "": it has none
	Others    []string // columns that have addresses too

	Lines      int64            // of the file
	Addresses  int64            // rows with an address
	Removed    int64            // rows that went
	Duplicates int64            // of them, because of Dedupe
	Reasons    map[string]int64 // rows that went, by their first address's reason

	Mixed  int64   // rows that stay although an address in them should go
	Beside []int64 // lines of the first of them
}

// mostBeside is how many lines are told.
const mostBeside = 10

// Duplicate is the reason of a row that repeats another.
const Duplicate = "duplicate"

// cleaning is a list under way.
type cleaning struct {
	Options
	layout
	*Result
	kept    *bufio.Writer
	removed *csv.Writer

	found []string // addresses in the record
	seen  *seen    // nil: repeats stay
}

// Run cleans a list.
func Run(in io.Reader, kept, removed io.Writer, o Options) (*Result, error) {
	c := &cleaning{Options: o, Result: &Result{Reasons: map[string]int64{}}, kept: bufio.NewWriterSize(kept, piece), removed: csv.NewWriter(removed)}
	if o.Dedupe {
		c.seen = newSeen()
	}
	r, err := c.begin(in)
	if err != nil {
		return nil, err
	}
	if err := c.removed.Write([]string{"line", "address", "reason", "date"}); err != nil {
		return nil, err
	}
	if err := c.all(r); err != nil {
		return nil, err
	}
	c.Lines = r.lines
	if n := len(r.rec.raw); n > 0 && r.lineEnds(r.rec.raw[n-1:]) == 0 {
		c.Lines++
	}
	c.removed.Flush()
	return c.Result, cmp.Or(c.kept.Flush(), c.removed.Error())
}

// begin looks at the beginning of the list.
func (c *cleaning) begin(in io.Reader) (*reader, error) {
	r := &reader{in: in}
	head, err := r.peek(lookOctets)
	if err != nil {
		return nil, err
	}
	if c.Encoding, err = encodingOf(head); err != nil {
		return nil, err
	}
	if c.Encoding == UTF16LE || c.Encoding == UTF16BE {
		r = &reader{in: newNarrow(io.MultiReader(bytes.NewReader(head), in), c.Encoding)}
		if head, err = r.peek(lookOctets); err != nil {
			return nil, err
		}
	}
	if bytes.HasPrefix(head, []byte(utf8BOM)) {
		if _, err := c.kept.WriteString(utf8BOM); err != nil {
			return nil, err
		}
		r.buf = r.buf[len(utf8BOM):]
	}
	c.layout, err = layoutOf(r.buf, r.err != nil, c.Options.Column)
	r.dialect = c.dialect
	c.Separator, c.Result.Column, c.Name, c.Others = c.sep, c.column+1, c.name, c.others
	return r, err
}

func (c *cleaning) all(r *reader) error {
	for {
		rec, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = c.one(rec)
		}
		if err != nil {
			return err
		}
	}
}

// one decides on a record.
func (c *cleaning) one(rec *record) error {
	if c.found = mailboxes(c.found[:0], c.text(rec, c.column)); len(c.found) == 0 {
		return c.keep(rec)
	}
	c.Addresses++
	gone := 0
	for _, m := range c.found {
		if _, ok := c.Entries[m]; ok {
			gone++
		}
	}
	switch {
	case gone == len(c.found):
		return c.remove(rec, func(m string) Entry { return c.Entries[m] })
	case c.repeats():
		c.Duplicates++
		return c.remove(rec, func(string) Entry { return Entry{Reason: Duplicate} })
	case gone > 0:
		if c.Mixed++; len(c.Beside) < mostBeside {
			c.Beside = append(c.Beside, rec.line)
		}
	}
	return c.keep(rec)
}

// repeats notes the addresses of a record, and reports whether all were noted before.
func (c *cleaning) repeats() bool {
	if c.seen == nil {
		return false
	}
	fresh := false
	for _, m := range c.found {
		fresh = c.seen.add(m) || fresh
	}
	return !fresh
}

func (c *cleaning) keep(rec *record) error {
	_, err := c.kept.Write(rec.raw)
	return err
}

func (c *cleaning) remove(rec *record, why func(mailbox string) Entry) error {
	c.Removed++
	c.Reasons[why(c.found[0]).Reason]++
	for _, m := range c.found {
		is := why(m)
		if err := c.removed.Write([]string{strconv.FormatInt(rec.line, 10), words.Guarded(m), is.Reason, is.Date}); err != nil {
			return err
		}
	}
	return nil
}

// blank reports whether a record has nothing in it. Comments of a plain list are nothing.
func (d dialect) blank(rec *record) bool {
	for i := range rec.fields {
		if d.text(rec, i) != "" {
			return false
		}
	}
	return true
}

// text is a field without the quotes around it; of a plain list, without its comment.
func (d dialect) text(rec *record, n int) string {
	cell := bytes.TrimSpace(rec.field(n))
	if len(cell) == 0 {
		return ""
	}
	if d.sep == 0 {
		if i := slices.Index(cell, '#'); i == 0 || i > 0 && (cell[i-1] == ' ' || cell[i-1] == '\t') {
			cell = bytes.TrimSpace(cell[:i])
		}
		return inUTF8(cell)
	}
	if n := len(cell); n > 1 && cell[0] == '"' && cell[n-1] == '"' {
		cell = bytes.ReplaceAll(cell[1:n-1], []byte(`""`), []byte(`"`))
	}
	return inUTF8(bytes.TrimSpace(cell))
}
