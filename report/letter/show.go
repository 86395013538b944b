package letter

import (
	_ "embed"
	"html/template"
	"strings"

	"relay/report/invoice"
)

// Text of the letter, lines ending with \n.
func (e *Ending) Text() string { w := e.words(); return w.text() }

// text of a letter.
func (w *words) text() string {
	var b strings.Builder
	paragraph := func(texts ...string) {
		for _, l := range invoice.Wrap(strings.Join(texts, " "), columns) {
			b.WriteString(l + "\n")
		}
	}
	paragraph(w.Seller)
	b.WriteString("\n")
	paragraph(w.Title)
	b.WriteString("\n")
	paragraph(w.Intro...)
	b.WriteString("\n")
	const names = 13 // the widest name of a fact, and two blanks
	for _, f := range w.Facts {
		lead := f.Name + strings.Repeat(" ", names-len(f.Name))
		for _, l := range invoice.Wrap(f.Value, columns-names) {
			b.WriteString(lead + l + "\n")
			lead = strings.Repeat(" ", names)
		}
	}
	for _, s := range w.Sections {
		b.WriteString("\n")
		paragraph(s.Heading)
		b.WriteString(strings.Repeat("-", min(len([]rune(s.Heading)), columns)) + "\n")
		if len(s.Text) > 0 {
			paragraph(s.Text...)
		}
		if len(s.Text) > 0 && len(s.Lines)+len(s.Link) > 0 {
			b.WriteString("\n")
		}
		for _, l := range s.Lines {
			paragraph(l)
		}
		if s.Link != "" {
			b.WriteString(s.Link + "\n")
		}
	}
	b.WriteString("\n-- \n") // what mail programs take as the signature (RFC 3676 §4.3)
	paragraph(w.Foot)
	return b.String()
}

//go:embed letter.html
var letterHTML string

var letterTemplate = template.Must(template.New("letter").Parse(letterHTML))

// HTML of the letter, a whole page.
func (e *Ending) HTML() (string, error) { w := e.words(); return w.html() }

func (w *words) html() (string, error) {
	var b strings.Builder
	err := letterTemplate.Execute(&b, w)
	return b.String(), err
}
