package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"relay/cli/term"
)

// column of a table.
type column struct {
	head  string
	right bool // numbers
	least int  // narrower it does not get; 0: it is never shortened
}

// table for people: as wide as it must be, at most a screen. Columns that may
// be shortened lose characters, the widest first.
type table struct {
	columns []column
	rows    [][]string
}

const gap = 2 // spaces between columns

func newTable(columns ...column) *table { return &table{columns: columns} }

func (t *table) add(cells ...string) {
	for i := range cells {
		cells[i] = term.Clean(cells[i])
	}
	t.rows = append(t.rows, cells)
}

func (t *table) write(w io.Writer) error {
	widths := t.widths()
	heads := make([]string, len(t.columns))
	for i, c := range t.columns {
		heads[i] = c.head
	}
	for _, row := range append([][]string{heads}, t.rows...) {
		if _, err := fmt.Fprintln(w, t.line(widths, row)); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) line(widths []int, row []string) string {
	var b strings.Builder
	for i, cell := range row {
		if i > 0 {
			b.WriteString(strings.Repeat(" ", gap))
		}
		b.WriteString(term.Pad(term.Cut(cell, widths[i]), widths[i], t.columns[i].right))
	}
	return strings.TrimRight(b.String(), " ")
}

func (t *table) widths() []int { return t.fit(t.natural()) }

// natural widths are those of heads and rows, whatever the screen.
func (t *table) natural() []int {
	widths := make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = utf8.RuneCountInString(c.head)
		for _, row := range t.rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	return widths
}

// fit makes widths fit the screen.
func (t *table) fit(widths []int) []int {
	total := gap * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	for ; total > term.Columns; total-- {
		i := t.widest(widths)
		if i < 0 {
			break
		}
		widths[i]--
	}
	return widths
}

// widest column that may still be shortened, or -1.
func (t *table) widest(widths []int) int {
	best := -1
	for i, c := range t.columns {
		if c.least > 0 && widths[i] > max(c.least, utf8.RuneCountInString(c.head)) && (best < 0 || widths[i] > widths[best]) {
			best = i
		}
	}
	return best
}
