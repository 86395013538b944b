package invoice

import (
	"slices"
	"strings"
	"sync"

	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/norm"
)

// instead of signs that the Go fonts do not have stands what says the same.
var instead = strings.NewReplacer(
	"\u2009", " ", "\u202f", " ", "ẞ", "SS", "ǆ", "dž", "ǅ", "Dž", "Ǆ", "DŽ",
	"₺", "TRY", "₴", "UAH", "₽", "RUB", "₾", "GEL",
)

// similar are letters that look like one which the fonts do not have.
var similar = map[rune]rune{'ə': 'e', 'Ə': 'E'}

// glyphs are the characters of the Go fonts; the bold one has the same.
type glyphs struct {
	font    *sfnt.Font
	buffer  sfnt.Buffer
	missing []rune // that were asked for, each once
}

var parsed = sync.OnceValues(func() (*sfnt.Font, error) { return sfnt.Parse(goregular.TTF) })

func newGlyphs() (*glyphs, error) {
	f, err := parsed()
	return &glyphs{font: f}, err
}

// text is s in characters of the fonts.
func (g *glyphs) text(s string) string { return strings.Map(g.closest, instead.Replace(s)) }

// closest is r, else r with as many of its accents as the fonts have, else a
// question mark. What is not r is noted.
func (g *glyphs) closest(r rune) rune {
	if g.has(r) {
		return r
	}
	if !slices.Contains(g.missing, r) {
		g.missing = append(g.missing, r)
	}
	if s, ok := similar[r]; ok {
		return s
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
