package invoice

import (
	"strings"
	"sync"

	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/norm"
)

// instead of letters and signs that the Go fonts do not have.
var instead = strings.NewReplacer(
	"\u2009", " ", "\u202f", " ", "ẞ", "SS", "ə", "e", "Ə", "E", "ǆ", "dž", "ǅ", "Dž", "Ǆ", "DŽ",
	"₺", "TRY", "₴", "UAH", "₽", "RUB", "₾", "GEL",
)

// glyphs are the characters of the Go fonts; the bold one has the same.
type glyphs struct {
	font   *sfnt.Font
	buffer sfnt.Buffer
}

var parsed = sync.OnceValues(func() (*sfnt.Font, error) { return sfnt.Parse(goregular.TTF) })

func newGlyphs() (*glyphs, error) {
	f, err := parsed()
	return &glyphs{font: f}, err
}

// text is s in characters of the fonts.
func (g *glyphs) text(s string) string { return strings.Map(g.closest, instead.Replace(s)) }

// closest is r, else r with as many of its accents as the fonts have, else a
// question mark.
func (g *glyphs) closest(r rune) rune {
	if g.has(r) {
		return r
	}
	parts := []rune(norm.NFD.String(string(r)))
	for n := len(parts) - 1; n > 0; n-- {
		fewer := []rune(norm.NFC.String(string(parts[:n])))
		if len(fewer) == 1 && g.has(fewer[0]) {
			return fewer[0]
		}
	}
	return '?'
}

func (g *glyphs) has(r rune) bool {
	i, err := g.font.GlyphIndex(&g.buffer, r)
	return err == nil && i != 0
}
