package invoice

const (
	between = 6.0  // two columns
	above   = 1.6  // and below the text of a row
	tight   = 40.0 // the text of a line gets lines of its own if it had less
)

// grid is the table of lines on a sheet.
type grid struct {
	*sheet
	widths []float64 // of columns
	text   float64   // width of the text before them
}

// table of lines and the sums under it. The last line stands with the sums.
func (s *sheet) table(d *Document) {
	rows, sums := d.rows(), d.sums()
	g := s.grid(rows)
	g.columnHeads()
	s.repeat = g.columnHeads
	for i, r := range rows {
		lines := g.lines(r)
		height := g.height(lines)
		if i == len(rows)-1 {
			height += sumsHeight(sums)
		}
		if height <= room {
			s.need(height - bodyStyle.leading)
		}
		g.row(r, lines)
	}
	s.repeat = nil
	s.need(sumsHeight(sums) - bodyStyle.leading)
	s.sums(sums)
}

func (s *sheet) grid(rows []row) *grid {
	g := &grid{sheet: s, widths: make([]float64, len(columns)), text: right - left}
	s.use(bodyStyle)
	for i, c := range columns {
		g.widths[i] = s.width(c)
		for _, r := range rows {
			g.widths[i] = max(g.widths[i], s.width(minus(r.Cells[i])))
		}
		g.text -= between + g.widths[i]
	}
	return g
}

func (g *grid) columnHeads() {
	g.use(smallStyle)
	g.at(left, g.y, "Description")
	g.figures(columns)
	g.rule(g.y+1.8, 20)
	g.y += 1.8 + above + 4
	g.use(bodyStyle)
}

func (g *grid) stacked() bool { return g.text < tight }

func (g *grid) lines(r row) []string {
	g.use(bodyStyle)
	if g.stacked() {
		return append(g.wrap(r.Text, right-left), "")
	}
	if lines := g.wrap(r.Text, g.text); len(lines) > 0 {
		return lines
	}
	return []string{""}
}

func (g *grid) height(lines []string) float64 {
	return float64(len(lines))*bodyStyle.leading + 2*above
}

// row line by line, so that it may go on on the next page.
func (g *grid) row(r row, lines []string) {
	for i, l := range lines {
		g.need(0)
		g.at(left, g.y, l)
		if figures := len(lines) - 1; g.stacked() && i == figures || !g.stacked() && i == 0 {
			g.figures(r.Cells)
		}
		g.y += bodyStyle.leading
	}
	g.rule(g.y-bodyStyle.leading+above+0.4, 215)
	g.y += 2*above - 0.4
}

func (g *grid) figures(cells []string) {
	x := right
	for i := len(cells) - 1; i >= 0; i-- {
		g.flush(x, g.y, minus(cells[i]))
		x -= g.widths[i] + between
	}
}

func sumsHeight(list []sum) float64 { return float64(len(list))*sumLeading + 2 }

const sumLeading = 5.6

// sums stand under the column of amounts.
func (s *sheet) sums(list []sum) {
	s.y += 2
	width := 0.0
	s.use(strongStyle)
	for _, e := range list {
		width = max(width, s.width(minus(e.Amount)))
	}
	for _, e := range list {
		s.use(bodyStyle)
		if e.Strong {
			s.use(strongStyle)
		}
		s.flush(right, s.y, minus(e.Amount))
		s.flush(right-width-between, s.y, minus(e.Name))
		s.y += sumLeading
	}
}
