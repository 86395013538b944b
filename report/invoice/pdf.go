package invoice

import (
	"fmt"
	"io"
)

// PDF writes the document on A4. The same Document gives the same octets: the
// file's date is the document's.
func PDF(w io.Writer, d *Document) error {
	draft, err := compose(d, 0) // to know how many pages there are
	if err != nil {
		return fmt.Errorf("%s as PDF: %w", d.Title(), err)
	}
	s, err := compose(d, draft.PageNo())
	if err == nil {
		err = s.Output(w)
	}
	if err != nil {
		return fmt.Errorf("%s as PDF: %w", d.Title(), err)
	}
	return nil
}

// Missing are the letters of the document that the PDF's fonts do not have, each
// once: the closest one stands for it, or a question mark.
func Missing(d *Document) (string, error) {
	s, err := compose(d, 0)
	if err != nil {
		return "", fmt.Errorf("%s as PDF: %w", d.Title(), err)
	}
	return string(s.glyphs.missing), nil
}

func compose(d *Document, pages int) (*sheet, error) {
	s, err := newSheet(d.Issued, pages)
	if err != nil {
		return nil, err
	}
	s.head, s.foot = d.Title(), d.Title()
	s.SetTitle(d.Title(), true)
	if p := d.parties(); len(p) > 0 && p[0].Heading == "From" {
		s.foot = p[0].Lines[0]
		s.SetAuthor(s.foot, true)
	}
	s.page()
	s.title(d)
	s.parties(d.parties())
	s.facts(d.facts())
	s.table(d)
	s.payment(d)
	return s, s.Error()
}

func pageOf(n, m int) string { return fmt.Sprintf("page %d of %d", n, m) }

const markWidth = 45

func (s *sheet) title(d *Document) {
	s.mark(d.Mark())
	s.use(titleStyle)
	lines := s.wrap(d.Title(), right-left-markWidth)
	s.y = s.block(left, s.y, lines) + 3
}

// mark says in a frame what became of the document.
func (s *sheet) mark(text string) {
	if text == "" {
		return
	}
	s.use(markStyle)
	const pad = 3
	w := s.width(text) + 2*pad
	s.SetDrawColor(20, 20, 20)
	s.SetLineWidth(0.5)
	s.RoundedRect(right-w, s.y-6, w, 8, 1, "1234", "D")
	s.flush(right-pad, s.y-0.6, text)
}

// parties stand side by side.
func (s *sheet) parties(list []party) {
	const width = (right - left - 10) / 2
	end := s.y
	for i, p := range list {
		x := left + float64(i)*(width+10)
		s.use(smallStyle)
		y := s.block(x, s.y, []string{p.Heading})
		for n, l := range p.Lines {
			s.use(bodyStyle)
			if n == 0 {
				s.use(strongStyle)
			}
			y = s.block(x, y, s.wrap(l, width))
		}
		end = max(end, y)
	}
	s.y = end + 4
}

func (s *sheet) facts(list []fact) {
	const names = 26
	for _, f := range list {
		s.use(style{size: bodyStyle.size, leading: bodyStyle.leading, pale: true})
		s.at(left, s.y, f.Name)
		s.use(bodyStyle)
		s.y = s.block(left+names, s.y, s.wrap(f.Value, right-left-names))
	}
	s.y += 6
}

func (s *sheet) payment(d *Document) {
	lines, link := d.howToPay()
	if len(lines) == 0 && link == "" {
		return
	}
	s.use(bodyStyle)
	var wrapped []string
	for _, l := range lines {
		wrapped = append(wrapped, s.wrap(l, right-left)...)
	}
	links := s.wrap(link, right-left)
	s.y += 8
	s.need(min(float64(len(wrapped)+len(links)+1)*bodyStyle.leading, room))
	s.rule(s.y-5, 200)
	s.y += 1
	s.use(smallStyle)
	s.y = s.block(left, s.y, []string{"How to pay"})
	s.use(bodyStyle)
	for _, l := range wrapped {
		s.paragraph(l, "")
	}
	for _, l := range links {
		s.paragraph(l, link)
	}
}

// paragraph is one line, which may lead to a web address.
func (s *sheet) paragraph(line, link string) {
	s.need(0)
	s.at(left, s.y, line)
	if link != "" {
		w := s.width(line)
		s.LinkString(left, s.y-4, w, 5, link)
		s.SetDrawColor(120, 120, 120)
		s.SetLineWidth(0.15)
		s.Line(left, s.y+0.7, left+w, s.y+0.7)
	}
	s.y += s.current.leading
}
