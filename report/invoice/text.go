package invoice

import (
	"io"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

const (
	screen    = 80               // columns
	half      = (screen - 4) / 2 // of two addresses side by side
	factNames = 13               // the widest name of a fact, and two blanks
	gap       = 2                // between two columns of the table
	narrow    = 20               // the text of a line gets lines of its own if it had less
)

// Text writes the document in 80 columns. Only a link may be longer: it is there
// to be copied.
func Text(w io.Writer, d *Document) error {
	var t page
	title := strings.ToUpper(d.Title())
	t.line(title + padLeft(d.Mark(), screen-length(title)))
	t.line("")
	t.parties(d.parties())
	for _, f := range d.facts() {
		t.wrapped(pad(f.Name, factNames), f.Value)
	}
	t.line("")
	t.table(d.rows())
	t.sums(d.sums())
	t.payment(d)
	_, err := io.WriteString(w, t.String())
	return err
}

// page gathers lines.
type page struct{ strings.Builder }

func (t *page) line(s string) { t.WriteString(strings.TrimRight(s, " ") + "\n") }

// wrapped puts text behind its name, line under line.
func (t *page) wrapped(name, text string) {
	for _, l := range wrap(text, within(screen-length(name))) {
		t.line(name + l)
		name = strings.Repeat(" ", length(name))
	}
}

// parties stand side by side.
func (t *page) parties(list []party) {
	var blocks [][]string
	height := 0
	for _, p := range list {
		block := []string{p.Heading}
		for _, l := range p.Lines {
			block = append(block, wrap(l, within(half))...)
		}
		blocks = append(blocks, block)
		height = max(height, len(block)+1) // and a line that is empty
	}
	for i := range height {
		line := ""
		for n, block := range blocks {
			line = pad(line, n*(screen-half))
			if i < len(block) {
				line += block[i]
			}
		}
		t.line(line)
	}
}

func (t *page) table(rows []row) {
	widths := make([]int, len(columns))
	left := screen
	for i, c := range columns {
		widths[i] = length(c)
		for _, r := range rows {
			widths[i] = max(widths[i], length(r.Cells[i]))
		}
		left -= gap + widths[i]
	}
	rule := strings.Repeat("-", screen)
	t.row(row{"Description", columns}, widths, left)
	t.line(rule)
	for _, r := range rows {
		t.row(r, widths, left)
	}
	t.line(rule)
}

func (t *page) row(r row, widths []int, left int) {
	figures := ""
	for i, c := range r.Cells {
		figures += strings.Repeat(" ", gap) + padLeft(c, widths[i])
	}
	if left < narrow {
		t.wrapped("", r.Text)
		t.line(padLeft(strings.TrimLeft(figures, " "), screen))
		return
	}
	for i, l := range wrap(r.Text, within(left)) {
		if i == 0 {
			l = pad(l, left) + figures
		}
		t.line(l)
	}
}

// sums stand under the column of amounts.
func (t *page) sums(list []sum) {
	width := 0
	for _, s := range list {
		width = max(width, length(s.Amount))
	}
	for _, s := range list {
		amount := padLeft(s.Amount, width+gap)
		t.line(padLeft(s.Name, screen-length(amount)) + amount)
	}
}

func (t *page) payment(d *Document) {
	lines, link := d.howToPay()
	if len(lines) == 0 && link == "" {
		return
	}
	t.line("")
	t.line("How to pay")
	for _, l := range lines {
		t.wrapped("", l)
	}
	if link != "" {
		t.line(link)
	}
}

// Wrap breaks text into lines of at most so many columns of a terminal.
func Wrap(text string, columns int) []string { return wrap(text, within(columns)) }

// within counts columns.
func within(width int) func(string) bool {
	return func(s string) bool { return length(s) <= width }
}

// Columns of a terminal that s takes: letters of East Asia take two, marks that stand on
// another letter or turn the direction none (Unicode Standard Annex #11).
func Columns(s string) int { return length(s) }

func length(s string) (n int) {
	for _, r := range s {
		switch k := width.LookupRune(r).Kind(); {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case k == width.EastAsianWide, k == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

func pad(s string, width int) string { return s + strings.Repeat(" ", max(width-length(s), 0)) }

func padLeft(s string, width int) string { return strings.Repeat(" ", max(width-length(s), 0)) + s }
