package invoice

import (
	_ "embed"
	"html/template"
	"io"
	"strings"
)

//go:embed invoice.html
var pageHTML string

var pageTemplate = template.Must(template.New("invoice").Funcs(template.FuncMap{
	"minus": minus,
}).Parse(pageHTML))

// HTML writes the document as a whole page without anything outside of it. It
// names no colour of paper or ink, so that it suits a dark screen as well, and
// no size of paper, so that it prints on A4 and on Letter.
func HTML(w io.Writer, d *Document) error {
	lines, link := d.howToPay()
	return pageTemplate.Execute(w, map[string]any{
		"Title": d.Title(), "Mark": d.Mark(), "Parties": d.parties(), "Facts": d.facts(),
		"Columns": columns, "Rows": d.rows(), "Sums": d.sums(), "Lines": lines, "Link": link,
	})
}

// minus sets the sign of negative figures as wide as a digit.
func minus(figure string) string { return strings.Replace(figure, "-", "−", 1) }
