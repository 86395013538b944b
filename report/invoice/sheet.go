package invoice

import (
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
)

// A4, in millimetres. y grows downwards; text stands on it.
const (
	left   = 20.0
	right  = 190.0
	top    = 26.0
	bottom = 273.0 // below it is the foot
	foot   = 284.0
)

// style of text: its size in points, and how far apart lines are.
type style struct {
	size, leading float64
	bold, pale    bool
}

var (
	titleStyle  = style{size: 20, leading: 9, bold: true}
	markStyle   = style{size: 11, leading: 5, bold: true}
	bodyStyle   = style{size: 10, leading: 5}
	strongStyle = style{size: 10, leading: 5, bold: true}
	smallStyle  = style{size: 8, leading: 5, pale: true}
)

// sheet is the pages of a PDF as they are filled. What goes wrong stays in
// fpdf until the output.
type sheet struct {
	*fpdf.Fpdf
	glyphs  *glyphs
	y       float64
	total   int    // pages; 0: not known yet
	head    string // of all pages but the first
	foot    string
	repeat  func() // what the next page begins with; nil: nothing
	current style
}

func newSheet(issued time.Time, total int) (*sheet, error) {
	g, err := newGlyphs()
	if err != nil {
		return nil, err
	}
	s := &sheet{Fpdf: fpdf.New("P", "mm", "A4", ""), glyphs: g, total: total, current: bodyStyle}
	if issued.IsZero() {
		issued = time.Unix(0, 0) // fpdf would take the time of day
	}
	s.SetCreationDate(issued.UTC())
	s.SetModificationDate(issued.UTC())
	s.SetCatalogSort(true)
	s.SetLang("en")
	s.SetCreator("relay", true)
	s.SetAutoPageBreak(false, 0)
	s.AddUTF8FontFromBytes("go", "", goregular.TTF)
	s.AddUTF8FontFromBytes("go", "B", gobold.TTF)
	return s, s.Error()
}

// page starts the next one.
func (s *sheet) page() {
	was := s.current
	s.AddPage()
	s.use(smallStyle)
	if s.total > 0 {
		s.at(left, foot, s.cut(s.foot, 120))
		s.flush(right, foot, pageOf(s.PageNo(), s.total))
	}
	s.y = top
	if s.PageNo() > 1 {
		s.at(left, top-6, s.head)
		s.y = top + 4
		if s.repeat != nil {
			s.repeat()
		}
	}
	s.use(was)
}

// need starts a page where the present one has not so much room left.
func (s *sheet) need(height float64) {
	if s.y+height > bottom {
		s.page()
	}
}

// room of a page that begins with nothing.
const room = bottom - top - 12

func (s *sheet) use(st style) {
	s.current = st
	name, grey := "", 20
	if st.bold {
		name = "B"
	}
	if st.pale {
		grey = 95
	}
	s.SetFont("go", name, st.size)
	s.SetTextColor(grey, grey, grey)
}

// at sets text that begins at x.
func (s *sheet) at(x, y float64, text string) { s.Text(x, y, s.glyphs.text(text)) }

// flush sets text that ends at x.
func (s *sheet) flush(x, y float64, text string) { s.at(x-s.width(text), y, text) }

func (s *sheet) width(text string) float64 { return s.GetStringWidth(s.glyphs.text(text)) }

func (s *sheet) wrap(text string, width float64) []string {
	return wrap(text, func(t string) bool { return s.width(t) <= width })
}

// cut leaves out what is wider, and says so.
func (s *sheet) cut(text string, width float64) string {
	if lines := s.wrap(text, width); len(lines) > 1 {
		return lines[0] + " …"
	}
	return text
}

// block sets lines under each other and returns where the next one would stand.
func (s *sheet) block(x, y float64, lines []string) float64 {
	for _, l := range lines {
		s.at(x, y, l)
		y += s.current.leading
	}
	return y
}

func (s *sheet) rule(y float64, grey int) {
	s.SetDrawColor(grey, grey, grey)
	s.SetLineWidth(0.2)
	s.Line(left, y, right, y)
}
