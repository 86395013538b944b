package letter

import (
	"slices"
	"strings"

	"relay/report/invoice"
)

// columns of a plain letter; only a link may be longer, to be clicked on.
const columns = 72

const (
	leastName = 13 // column of the values of facts, at least and at most
	mostName  = 26
	barWidth  = 30
)

// Text is the page as plain text, lines ending with \n.
func (p *Page) Text() string {
	t := sheet{names: p.nameColumn()}
	t.paragraph(p.Seller)
	t.gap()
	t.paragraph(p.Title)
	for i, b := range p.Blocks {
		if i == 0 || !b.follows(&p.Blocks[i-1]) {
			t.gap()
		}
		t.block(&b)
	}
	if len(p.Foot) > 0 {
		t.WriteString("\n-- \n") // what mail programs take as the signature (RFC 3676 §4.3)
	}
	for _, l := range p.Foot {
		t.paragraph(l.text())
	}
	return t.String()
}

// follows reports whether no empty line is between two blocks.
func (b *Block) follows(before *Block) bool {
	table := func(k Kind) bool { return k == Facts || k == Bar }
	return before.Kind == Heading || table(before.Kind) && table(b.Kind)
}

// nameColumn is how wide the names of all facts are.
func (p *Page) nameColumn() int {
	width := leastName
	for _, b := range p.Blocks {
		if b.Kind == Facts || b.Kind == Bar {
			for _, r := range b.Rows {
				width = max(width, invoice.Columns(r[0].text())+2)
			}
		}
	}
	return min(width, mostName)
}

// text of a line, links in brackets.
func (l Line) text() string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(s.Text)
		if s.Link != "" && s.Link != s.Text {
			b.WriteString(" <" + s.Link + ">")
		}
	}
	return b.String()
}

// sheet is a plain letter that is being written.
type sheet struct {
	strings.Builder
	names int
}

func (t *sheet) gap() { t.WriteString("\n") }

func (t *sheet) block(b *Block) {
	switch b.Kind {
	case Heading:
		t.paragraph(b.Text.text())
		t.WriteString(strings.Repeat("-", min(invoice.Columns(b.Text.text()), columns)) + "\n")
	case List:
		for _, item := range b.Items {
			t.hang("- ", item.text())
		}
	case Lines:
		for _, item := range b.Items {
			t.hang("", item.text())
		}
	case Facts, Bar:
		t.facts(b)
	case Table:
		t.table(b)
	case Button:
		t.paragraph(b.Label + ":")
		t.WriteString(b.Link + "\n")
	default:
		t.paragraph(b.Text.text())
	}
}

func (t *sheet) paragraph(text string) { t.hang("", text) }

// hang writes lines that stand below each other behind a mark.
func (t *sheet) hang(mark, text string) {
	width := invoice.Columns(mark)
	for _, l := range wrap(text, columns-width) {
		t.WriteString(mark + l + "\n")
		mark = strings.Repeat(" ", width)
	}
}

// wrap breaks a text into lines. A web address is not broken.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' }) { // not at spaces that do not break
		pieces := []string{word}
		if invoice.Columns(word) > width && !strings.Contains(word, "://") {
			pieces = invoice.Wrap(word, width)
		}
		for _, piece := range pieces {
			if line != "" && invoice.Columns(line)+1+invoice.Columns(piece) <= width {
				line += " " + piece
				continue
			}
			if line != "" {
				lines = append(lines, line)
			}
			line = piece
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

func (t *sheet) facts(b *Block) {
	for _, r := range b.Rows {
		name := wrap(r[0].text(), t.names-2)
		value := wrap(r[1].text(), columns-t.names)
		if b.Kind == Bar {
			value = append(value, b.bar())
		}
		for i := range max(len(name), len(value)) {
			t.WriteString(strings.TrimRight(pad(at(name, i), t.names)+at(value, i), " ") + "\n")
		}
	}
}

// bar in ASCII, which each font has at one width.
func (b *Block) bar() string {
	n := b.Percent * barWidth / 100
	if b.Percent > 0 {
		n = max(n, 1)
	}
	end := "]"
	if b.Over {
		end = ">"
	}
	return "[" + strings.Repeat("#", n) + strings.Repeat(".", barWidth-n) + end
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(width-invoice.Columns(s), 0))
}

// tableGap is between the columns of a table.
const tableGap = 2

// table writes a head, a line and rows; cells that are too wide take several lines.
func (t *sheet) table(b *Block) {
	widths := b.widths()
	t.row(b, widths, b.Head)
	for i, w := range widths {
		if i > 0 {
			t.WriteString(strings.Repeat(" ", tableGap))
		}
		t.WriteString(strings.Repeat("-", w))
	}
	t.WriteString("\n")
	for _, r := range b.Rows {
		t.row(b, widths, r)
	}
}

// widths of the columns. The widest gives way until all fit.
func (b *Block) widths() []int {
	widths, sum := make([]int, len(b.Head)), tableGap*(len(b.Head)-1)
	for i := range widths {
		widths[i] = max(invoice.Columns(b.Head[i].text()), 1)
		for _, r := range b.Rows {
			widths[i] = max(widths[i], invoice.Columns(r[i].text()))
		}
		sum += widths[i]
	}
	for ; sum > columns; sum-- {
		widths[slices.Index(widths, slices.Max(widths))]--
	}
	return widths
}

func (t *sheet) row(b *Block, widths []int, row []Line) {
	cells, height := make([][]string, len(row)), 1
	for i, c := range row {
		cells[i] = wrap(c.text(), widths[i])
		height = max(height, len(cells[i]))
	}
	for y := range height {
		line := ""
		for i, w := range widths {
			text := at(cells[i], y)
			if b.Right[i] {
				text = strings.Repeat(" ", max(w-invoice.Columns(text), 0)) + text
			}
			line += pad(text, w) + strings.Repeat(" ", tableGap)
		}
		t.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}
