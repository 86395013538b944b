package letter

import (
	_ "embed"
	"html/template"
	"strings"
	"unicode/utf8"
)

// ChartID is the Content-ID of the picture within a letter.
const ChartID = "chart"

//go:embed page.html
var pageHTML string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"color": func(b Block) string {
		switch {
		case b.Over || b.Percent >= 100:
			return "#c0392b"
		case b.Percent >= 90:
			return "#c77700"
		}
		return "#1f5fae"
	},
	"rest":  func(percent int) int { return 100 - percent },
	"cid":   func() template.URL { return "cid:" + ChartID },
	"plain": func(l Line) string { return l.plain() },
	"right": func(b Block, i int) bool { return b.Right[i] },
	"line":  func(l Line) template.HTML { return l.html() },
	"cell":  func(l Line) template.HTML { return l.cell() },
	"wrap":  func(l Line) template.CSS { return l.wrap() },
}).Parse(pageHTML))

// HTML is the page for mail programs: tables and styles in place, 600 pixels wide at most,
// with nothing from elsewhere. Programs that know the dark mode of their device take the
// colours of the style sheet; others ignore it.
func (p *Page) HTML() (string, error) {
	var b strings.Builder
	err := pageTemplate.Execute(&b, p)
	return b.String(), err
}

// html of a line. Its texts are escaped here, and its links were checked by Parse.
func (l Line) html() template.HTML {
	var b strings.Builder
	for _, s := range l {
		text := template.HTMLEscapeString(s.Text)
		if s.Strong {
			text = "<strong>" + text + "</strong>"
		}
		if s.Link != "" {
			text = `<a href="` + template.HTMLEscapeString(s.Link) + `" class="link" style="color:#1f5fae">` + text + "</a>"
		}
		b.WriteString(text)
	}
	return template.HTML(b.String())
}

// longWord is how many characters of a word a column of a table has room for at a phone's
// width. Longer ones are broken where it must be, others only between words.
const longWord = 12

// cell is html of a line that is a cell: mail addresses may go on in the next line behind @.
func (l Line) cell() template.HTML {
	if len(l) != 1 || l[0].Link != "" || !strings.Contains(l[0].Text, "@") {
		return l.html()
	}
	return template.HTML(strings.ReplaceAll(string(l.html()), "@", "@<wbr>"))
}

// wrap is the style by which a cell is broken into lines.
func (l Line) wrap() template.CSS {
	for _, word := range strings.FieldsFunc(l.plain(), func(r rune) bool { return r == ' ' || r == '@' }) {
		if utf8.RuneCountInString(word) > longWord {
			return "word-break:break-word"
		}
	}
	return "overflow-wrap:break-word"
}
