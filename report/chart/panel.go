package chart

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-analyze/charts/chartdraw"
	"github.com/go-analyze/charts/chartdraw/drawing"

	"relay/report/words"
)

// The colours of the card. Text on the card has a contrast of more than 7 to 1.
var (
	paper  = drawing.ColorFromHex("f7f8fa")
	border = drawing.ColorFromHex("cfd5dc")
	grid   = drawing.ColorFromHex("dde2e8")
	ink    = drawing.ColorFromHex("39434d")
	blue   = drawing.ColorFromHex("2f6fb5")
	green  = drawing.ColorFromHex("23805f")
)

// textSize is in pixels of the picture: at a phone's width, 330 pixels, letters are nine
// pixels high.
const textSize = 33

// panel is one of the two halves of the picture.
type panel struct {
	title  string
	values []float64 // of each day, in units of the axis
	top    float64   // of the axis
	ticks  [3]string // at the axis's foot, its middle and its top
	bars   drawing.Color
}

// emailsPanel counts e-mails, in millions where there are very many.
func emailsPanel(days []Day, l words.Language) panel {
	most := int64(0)
	for _, d := range days {
		most = max(most, d.Emails)
	}
	title, unit := sentencesOf(l).emails, 1.0
	if most >= 1_000_000 {
		title, unit = title+sentencesOf(l).millions, 1e6
	}
	return newPanel(title, days, func(d Day) float64 { return float64(d.Emails) / unit }, l, blue)
}

// sizePanel shows octets in the unit that fits the largest day.
func sizePanel(days []Day, l words.Language) panel {
	most := int64(0)
	for _, d := range days {
		most = max(most, d.Bytes)
	}
	name, unit := "KB", 1e3
	for _, next := range []string{"MB", "GB", "TB"} {
		if float64(most) < unit*1e3 {
			break
		}
		name, unit = next, unit*1e3
	}
	title := name + sentencesOf(l).aDay
	return newPanel(title, days, func(d Day) float64 { return float64(d.Bytes) / unit }, l, green)
}

func newPanel(title string, days []Day, value func(Day) float64, l words.Language, bars drawing.Color) panel {
	p := panel{title: title, bars: bars}
	most := 0.0
	for _, d := range days {
		p.values = append(p.values, value(d))
		most = max(most, value(d))
	}
	p.top = axisTop(most)
	for i := range p.ticks {
		p.ticks[i] = tick(p.top*float64(i)/2, l)
	}
	return p
}

// axisTop is the least round number that is no less than most and has a round half.
func axisTop(most float64) float64 {
	if most <= 0 {
		return 2
	}
	power := math.Pow(10, math.Floor(math.Log10(most)))
	for _, n := range []float64{1, 1.2, 1.6, 2, 3, 4, 5, 6, 8} {
		if n*power >= most && n*power >= 2 {
			return n * power
		}
	}
	return max(10*power, 2)
}

// tick is a number of the axis: "1,500", "0.5".
func tick(value float64, l words.Language) string {
	if value >= 1000 {
		return l.Number(int64(math.Round(value)))
	}
	return l.Decimal(value, 1)
}

// canvas draws on the picture, in its pixels.
type canvas struct{ chartdraw.Renderer }

func (c canvas) rect(x1, y1, x2, y2 int, fill drawing.Color) {
	c.SetFillColor(fill)
	c.MoveTo(x1, y1)
	c.LineTo(x2, y1)
	c.LineTo(x2, y2)
	c.LineTo(x1, y2)
	c.Close()
	c.Fill()
}

func (c canvas) write(text string, x, y int) {
	c.SetFontColor(ink)
	c.Text(text, x, y)
}

func (c canvas) width(text string) int { return c.MeasureText(text).Right }

// margin around the card's contents.
const margin = 28

// draw puts the panel on the canvas: its title, the lines of its axis and a bar a day.
// left is where the bars begin, top where the title does, foot where the bars stand.
func (p *panel) draw(c canvas, left, top, foot int) {
	right := Width*scale - margin
	c.write(p.title, margin, top+textSize)
	height := foot - top - textSize - 34
	for i, text := range p.ticks {
		y := foot - height*i/2
		c.rect(left, y-1, right, y+1, grid)
		c.write(text, left-14-c.width(text), y+textSize/3)
	}
	slot := float64(right-left) / float64(max(len(p.values), 1))
	for i, v := range p.values {
		if v <= 0 {
			continue
		}
		x := float64(left) + slot*float64(i)
		high := max(int(math.Round(v/p.top*float64(height))), 3)
		c.rect(int(math.Round(x+slot*0.14)), foot-high, int(math.Round(x+slot*0.86)), foot, p.bars)
	}
}

// gutter is the room that the numbers of the axis take.
func (p *panel) gutter(c canvas) int {
	most := 0
	for _, text := range p.ticks {
		most = max(most, c.width(text))
	}
	return most
}

// label is a text below a day.
type label struct {
	at   int // of the day, from 0
	text string
}

// labels are the days of a calendar month by number, else a day a week by its date.
func (d *Days) labels(days int) (list []label) {
	first := date(d.First)
	if first.Day() == 1 && days <= 31 {
		for _, n := range []int{1, 5, 10, 15, 20, 25, 30} {
			if n <= days {
				list = append(list, label{n - 1, strconv.Itoa(n)})
			}
		}
		return list
	}
	for at, step := 0, max(7, (days+4)/5); at < days; at += step {
		list = append(list, label{at, dayAndMonth(d.Language, first.AddDate(0, 0, at))})
	}
	return list
}

// dayAndMonth is short: "3 Nov", "3. Nov", "3 nov".
func dayAndMonth(l words.Language, t time.Time) string {
	day, _, _ := strings.Cut(words.Spaces(l.Date(t)), " ")
	return day + " " + l.MonthShort(t.Month())
}
