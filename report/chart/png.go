package chart

import (
	"bytes"
	"image"
	"image/color"
	"image/png"

	"github.com/go-analyze/charts"
	"github.com/go-analyze/charts/chartdraw"
	"github.com/go-analyze/charts/chartdraw/drawing"
)

// PNG draws the days: e-mails above, octets below, the days under both.
func PNG(d Days) ([]byte, error) {
	c := canvas{chartdraw.PNG(Width*scale, Height*scale)}
	c.SetDPI(72) // a point is a pixel
	c.SetFont(charts.GetFont(charts.FontFamilyRoboto))
	c.SetFontSize(textSize)
	c.rect(0, 0, Width*scale, Height*scale, border)
	c.rect(2, 2, Width*scale-2, Height*scale-2, paper)
	days := d.all()
	emails, sizes := emailsPanel(days, d.Language), sizePanel(days, d.Language)
	left := margin + max(emails.gutter(c), sizes.gutter(c)) + 14
	foot := Height*scale - margin - textSize - 14
	emails.draw(c, left, 18, foot/2)
	sizes.draw(c, left, foot/2+18, foot)
	slot := float64(Width*scale-margin-left) / float64(max(len(days), 1))
	for _, l := range d.labels(len(days)) {
		wide := c.width(l.text)
		x := left + int(slot*(float64(l.at)+0.5)) - wide/2
		c.write(l.text, min(max(x, left), Width*scale-margin-wide), Height*scale-margin+4)
	}
	var picture capture
	if err := c.Save(&picture); err != nil {
		return nil, err
	}
	return encode(picture.rgba)
}

// capture takes the picture from the library before it is encoded.
type capture struct {
	bytes.Buffer
	rgba *image.RGBA
}

func (c *capture) SetRGBA(i *image.RGBA) { c.rgba = i }

// palette has the colours of the card, and ten blends for the edges of letters. The last one is
// there twice: with more than sixteen a pixel has an octet, which is encoded twice as fast as
// four bits.
var palette = func() color.Palette {
	list := color.Palette{}
	for _, c := range []drawing.Color{paper, border, grid, blue, green} {
		list = append(list, blend(c, c, 0))
	}
	for i := range 11 {
		list = append(list, blend(paper, ink, i+1))
	}
	return append(list, list[len(list)-1])
}()

// blend has so many elevenths of the second colour.
func blend(a, b drawing.Color, n int) color.RGBA {
	mix := func(a, b uint8) uint8 { return uint8((int(a)*(11-n) + int(b)*n) / 11) }
	return color.RGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 0xff}
}

// encode writes the picture with its palette. Most lines are the same as the one before.
func encode(from *image.RGBA) ([]byte, error) {
	to := image.NewPaletted(from.Rect, palette)
	var places [1 << 15]uint8 // of a colour by five bits a channel, plus 1
	wide := from.Rect.Dx()
	for start := 0; start < len(to.Pix); start += wide {
		line, is := to.Pix[start:start+wide], from.Pix[4*start:4*(start+wide)]
		if start > 0 && bytes.Equal(is, from.Pix[4*(start-wide):4*start]) {
			copy(line, to.Pix[start-wide:start])
			continue
		}
		for i := range line {
			r, g, b := is[4*i], is[4*i+1], is[4*i+2]
			key := int(r>>3)<<10 | int(g>>3)<<5 | int(b>>3)
			if places[key] == 0 {
				places[key] = uint8(palette.Index(color.RGBA{r, g, b, 0xff})) + 1
			}
			line[i] = places[key] - 1
		}
	}
	var out bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&out, to)
	return out.Bytes(), err
}
