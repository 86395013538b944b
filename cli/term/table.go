package term

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"relay/report/words"
)

// Column of a table.
type Column struct {
	Head  string
	Right bool // numbers
	Least int  // the narrowest it gets; 0: it is never shortened
	First bool // it is shortened before columns without First
	Wrap  bool // a cell that is too wide goes on in the lines below: never shortened, but for its longest word
}

// Table for people: as wide as its cells need, at most a screen. Columns that wrap give way
// first, then those that are shortened before others, then the rest, the widest first.
type Table struct {
	Columns  []Column
	Rows     [][]string
	coloured bool // by PaintState
}

const Gap = 2 // spaces between columns

// NewTable makes a table without rows.
func NewTable(columns ...Column) *Table { return &Table{Columns: columns} }

// Add adds a row.
func (t *Table) Add(cells ...string) {
	for i := range cells {
		cells[i] = words.Clean(cells[i])
	}
	t.Rows = append(t.Rows, cells)
}

// Print writes heads and rows.
func (t *Table) Print(w io.Writer) error {
	t.coloured = Coloured(w, os.Getenv)
	widths := t.widths(Width(w))
	for _, row := range append([][]string{t.heads()}, t.Rows...) {
		for _, part := range t.wrapped(widths, row) {
			if _, err := fmt.Fprintln(w, t.line(widths, part)); err != nil {
				return err
			}
		}
	}
	return nil
}

// wrapped is a row as the lines that its wrapping columns need.
func (t *Table) wrapped(widths []int, row []string) [][]string {
	parts := [][]string{slices.Clone(row)}
	for i, c := range t.Columns {
		if !c.Wrap {
			continue
		}
		for n, text := range Wrap(row[i], widths[i]) {
			if n == len(parts) {
				parts = append(parts, make([]string, len(row)))
			}
			parts[n][i] = text
		}
	}
	return parts
}

// Text is the table for a screen, with lines indented under each row.
func (t *Table) Text(screen int, under func(row int) []string) string {
	widths := t.widths(screen)
	var b strings.Builder
	b.WriteString(t.line(widths, t.heads()) + "\n")
	for i, row := range t.Rows {
		b.WriteString(t.line(widths, row) + "\n")
		for _, line := range under(i) {
			b.WriteString(words.Cut("  "+line, Columns) + "\n")
		}
	}
	return b.String()
}

func (t *Table) heads() []string {
	heads := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		heads[i] = c.Head
	}
	return heads
}

// line is a row in columns of these widths.
func (t *Table) line(widths []int, row []string) string {
	var b strings.Builder
	for i, cell := range row {
		if i > 0 {
			b.WriteString(strings.Repeat(" ", Gap))
		}
		text := Pad(words.Cut(cell, widths[i]), widths[i], t.Columns[i].Right)
		if t.coloured && t.Columns[i].Head == stateHead {
			text = PaintState(text, cell)
		}
		b.WriteString(text)
	}
	return strings.TrimRight(b.String(), " ")
}

// widths of the columns on a screen.
func (t *Table) widths(screen int) []int { return t.fit(t.natural(), screen) }

// natural widths are those of heads and rows, without regard to the screen.
func (t *Table) natural() []int {
	widths := make([]int, len(t.Columns))
	for i, c := range t.Columns {
		widths[i] = utf8.RuneCountInString(c.Head)
		for _, row := range t.Rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	return widths
}

// fit makes widths fit the screen.
func (t *Table) fit(widths []int, screen int) []int {
	total := Gap * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	for _, may := range []func(Column) bool{
		func(c Column) bool { return c.Wrap },
		func(c Column) bool { return c.First },
		func(c Column) bool { return c.Least > 0 },
	} {
		for ; total > screen; total-- {
			i := t.widest(widths, may)
			if i < 0 {
				break
			}
			widths[i]--
		}
	}
	return widths
}

// widest column that may still lose a character, or -1.
func (t *Table) widest(widths []int, may func(Column) bool) int {
	best := -1
	for i, c := range t.Columns {
		if may(c) && widths[i] > t.least(i) && (best < 0 || widths[i] > widths[best]) {
			best = i
		}
	}
	return best
}

// least is the narrowest that a column gets.
func (t *Table) least(i int) int {
	c := t.Columns[i]
	least := max(c.Least, utf8.RuneCountInString(c.Head))
	if c.Wrap {
		for _, row := range t.Rows {
			for word := range strings.FieldsSeq(row[i]) {
				least = max(least, utf8.RuneCountInString(word))
			}
		}
	}
	return least
}
