package letter

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/bidi"

	"relay/report/invoice"
)

// quoted is where the characters of values stand while markup is read that could be markup,
// and spaces that do not break: in a private plane of Unicode, where nothing is markup.
const (
	quoted     = 0xF0000
	lastQuoted = quoted + noBreak
	noBreak    = 0xa0 // a space that figures have before their unit; Clean would make it a plain one
)

// Quote makes a value safe within markup: one line, in which nothing is markup. A text
// that runs from right to left is isolated, so that it leaves the words around it in place.
func Quote(value string) string {
	value = invoice.Clean(strings.Map(func(r rune) rune {
		switch {
		case r >= quoted && r <= lastQuoted:
			return unicode.ReplacementChar
		case r > ' ' && r < 0x7f && !letterOrDigit(r), r == noBreak:
			return quoted + r
		}
		return r
	}, value))
	value = strings.Trim(value, " "+string(rune(lastQuoted)))
	if strings.ContainsFunc(value, rightToLeft) {
		return "\u2068" + value + "\u2069" // FSI, PDI
	}
	return value
}

func letterOrDigit(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
}

func rightToLeft(r rune) bool {
	p, _ := bidi.LookupRune(r)
	return p.Class() == bidi.R || p.Class() == bidi.AL
}

// unquote is Quote's text as it is shown.
func unquote(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= quoted && r <= lastQuoted {
			return r - quoted
		}
		return r
	}, text)
}

// Parse reads a page: fields "subject: text", "title: text" and "seller: text", an empty
// line, and blocks. Whatever it reads makes a page: what is no markup is text. A heading
// without anything below it, a fact without a value and an empty block are left out.
func Parse(markup string) *Page {
	p := &Page{}
	head, body, _ := strings.Cut(strings.TrimLeft(markup, "\n"), "\n\n")
	for line := range strings.Lines(head) {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(unquote(value))
		switch strings.TrimSpace(name) {
		case "subject":
			p.Subject = value
		case "title":
			p.Title = value
		case "seller":
			p.Seller = value
		}
	}
	r := reader{page: p}
	for line := range strings.Lines(body + "\n\n") {
		r.line(strings.TrimSpace(line))
	}
	p.Blocks = tidy(p.Blocks)
	return p
}

// reader makes blocks of lines.
type reader struct {
	page *Page
	text []string // of the paragraph, list item or foot that is open
	mark string   // with which it began: "", "-" or "--"
	gap  bool     // an empty line was read last
}

// line reads one.
func (r *reader) line(line string) {
	mark, rest := markOf(line)
	if mark == "" && rest != "" {
		r.text = append(r.text, rest)
		return
	}
	r.close()
	gap := r.gap
	r.gap = line == ""
	switch mark {
	case "-", "--":
		r.mark, r.text = mark, []string{rest}
	case "==":
		r.add(Block{Kind: Heading, Text: spans(rest)})
	case ">":
		r.item(Lines, spans(rest))
	case "@":
		r.add(Block{Kind: Chart, Text: spans(rest)})
	case "[[":
		r.button(rest)
	case "%":
		r.bar(cells(rest))
	case "|=":
		r.add(Block{Kind: Table, Head: cells(strings.TrimSuffix(rest, "|"))})
	case "|":
		r.row(cells(strings.TrimSuffix(rest, "|")), gap)
	}
}

// markOf cuts off what says the kind of a line.
func markOf(line string) (mark, rest string) {
	if strings.HasPrefix(line, "[[") && strings.HasSuffix(line, "]]") && strings.Count(line, "[[") == 1 {
		return "[[", line[2 : len(line)-2]
	}
	for _, mark := range []string{"==", "--", "-", ">", "@", "%", "|=", "|"} {
		if rest, ok := strings.CutPrefix(line, mark); ok && (rest == "" || rest[0] == ' ') {
			return mark, strings.TrimSpace(rest)
		}
	}
	return "", line
}

// close ends the text that is open.
func (r *reader) close() {
	text := strings.TrimSpace(strings.Join(r.text, " "))
	mark := r.mark
	r.text, r.mark = nil, ""
	switch {
	case text == "":
	case mark == "--":
		r.page.Foot = append(r.page.Foot, spans(text))
	case mark == "-":
		r.item(List, spans(text))
	default:
		r.add(Block{Kind: Paragraph, Text: spans(text)})
	}
}

func (r *reader) add(b Block) { r.page.Blocks = append(r.page.Blocks, b) }

// last is the block before, if it is of that kind.
func (r *reader) last(k Kind) *Block {
	if n := len(r.page.Blocks); n > 0 && r.page.Blocks[n-1].Kind == k {
		return &r.page.Blocks[n-1]
	}
	r.add(Block{Kind: k})
	return &r.page.Blocks[len(r.page.Blocks)-1]
}

func (r *reader) item(k Kind, text Line) {
	if len(text) > 0 {
		b := r.last(k)
		b.Items = append(b.Items, text)
	}
}

// button is a link of its own; one that is no web address is shown as a line.
func (r *reader) button(rest string) {
	link, label, _ := strings.Cut(rest, "|")
	lines, link := invoice.Shown("", unquote(link))
	for _, l := range lines {
		r.item(Lines, Line{{Text: l}})
	}
	if link != "" {
		label = strings.TrimSpace(unquote(label))
		if label == "" {
			label = link
		}
		r.add(Block{Kind: Button, Link: link, Label: label})
	}
}

// bar reads name, text and percent.
func (r *reader) bar(c []Line) {
	if len(c) < 2 || len(c[1]) == 0 {
		return
	}
	percent := -1
	if len(c) > 2 {
		if n, err := strconv.Atoi(strings.TrimSpace(c[2].plain())); err == nil {
			percent = n
		}
	}
	if percent < 0 { // there is no limit: a fact like others
		r.row(c[:2], true)
		return
	}
	r.add(Block{Kind: Bar, Rows: [][]Line{c[:2]}, Percent: min(percent, 100), Over: percent > 100})
}

// row of the table above it if no empty line is between them, else a fact.
func (r *reader) row(c []Line, gap bool) {
	if n := len(r.page.Blocks); n > 0 && r.page.Blocks[n-1].Kind == Table && !gap {
		t := &r.page.Blocks[n-1]
		for len(c) < len(t.Head) {
			c = append(c, nil)
		}
		t.Rows = append(t.Rows, c[:len(t.Head)])
		return
	}
	if len(c) > 1 && len(c[1]) > 0 {
		b := r.last(Facts)
		b.Rows = append(b.Rows, c[:2])
	}
}

// cells of a row. A link has a bar of its own.
func cells(rest string) (list []Line) {
	from, inside := 0, false
	for i := range rest {
		switch {
		case strings.HasPrefix(rest[i:], "[["):
			inside = true
		case strings.HasPrefix(rest[i:], "]]"):
			inside = false
		case rest[i] == '|' && !inside:
			list = append(list, spans(strings.TrimSpace(rest[from:i])))
			from = i + 1
		}
	}
	return append(list, spans(strings.TrimSpace(rest[from:])))
}

// spans of a line.
func spans(text string) (l Line) {
	add := func(s Span) {
		s.Text = unquote(s.Text)
		n := len(l) - 1
		switch plain := (Span{Text: s.Text}); {
		case s.Text == "":
		case n >= 0 && s == plain && l[n] == (Span{Text: l[n].Text}):
			l[n].Text += s.Text
		default:
			l = append(l, s)
		}
	}
	for text != "" {
		i := strings.IndexFunc(text, func(r rune) bool { return r == '*' || r == '[' })
		if i < 0 {
			break
		}
		rest := text[i:]
		if inner, after, ok := between(rest, "**", "**"); ok {
			add(Span{Text: text[:i]})
			add(Span{Text: inner, Strong: true})
			text = after
		} else if inner, after, ok := between(rest, "[[", "]]"); ok {
			add(Span{Text: text[:i]})
			add(link(inner))
			text = after
		} else {
			add(Span{Text: text[:i+1]})
			text = text[i+1:]
		}
	}
	add(Span{Text: text})
	return l
}

func between(text, open, end string) (inner, after string, ok bool) {
	if text, ok = strings.CutPrefix(text, open); !ok {
		return "", "", false
	}
	return strings.Cut(text, end)
}

// link within a text; what is no web address is no link.
func link(inner string) Span {
	address, label, _ := strings.Cut(inner, "|")
	if _, web := invoice.Shown("", unquote(address)); web != "" {
		if label == "" {
			label = web
		}
		return Span{Text: label, Link: web}
	}
	if label == "" {
		label = address
	}
	return Span{Text: label}
}

// tidy leaves out what is empty, and says which columns of tables are figures.
func tidy(list []Block) []Block {
	list = slices.DeleteFunc(list, func(b Block) bool { return b.Kind == Table && len(b.Rows) == 0 })
	out := list[:0]
	for i, b := range list {
		if b.Kind == Heading && (i+1 == len(list) || list[i+1].Kind == Heading) {
			continue
		}
		if b.Kind == Table {
			b.Right = figureColumns(b.Rows, len(b.Head))
		}
		out = append(out, b)
	}
	return out
}

// figureColumns reports the columns, after the first one, in which each cell begins with a digit
// or is a dash.
func figureColumns(rows [][]Line, columns int) []bool {
	right := make([]bool, columns)
	for i := 1; i < columns; i++ {
		digits := false
		right[i] = !slices.ContainsFunc(rows, func(r []Line) bool {
			text := r[i].plain()
			digit := text != "" && text[0] >= '0' && text[0] <= '9'
			digits = digits || digit
			return !digit && text != "" && text != "-" && text != "–"
		}) && digits
	}
	return right
}
