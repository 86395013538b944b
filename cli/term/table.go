package term

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"relay/report/words"
)

// Column of a table.
type Column struct {
	Head  string
	Right bool // numbers
	Least int  // the narrowest it gets; 0: it is never shortened
}

// Table for people: as wide as its cells need, at most a screen. Columns that may be
// shortened lose characters, the widest first.
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
		if _, err := fmt.Fprintln(w, t.line(widths, row)); err != nil {
			return err
		}
	}
	return nil
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
	for ; total > screen; total-- {
		i := t.widest(widths)
		if i < 0 {
			break
		}
		widths[i]--
	}
	return widths
}

// widest column that may still be shortened, or -1.
func (t *Table) widest(widths []int) int {
	best := -1
	for i, c := range t.Columns {
		if c.Least > 0 && widths[i] > max(c.Least, utf8.RuneCountInString(c.Head)) && (best < 0 || widths[i] > widths[best]) {
			best = i
		}
	}
	return best
}
