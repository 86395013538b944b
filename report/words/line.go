package words

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes one line of text that is safe to show anywhere: texts come from strangers.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError {
			return '\uFFFD'
		}
		return r
	}, s)
}

// Cut shortens s to width characters; the last one is … when text was cut off.
func Cut(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	if width <= 1 {
		return strings.Repeat("…", width)
	}
	return string([]rune(s)[:width-1]) + "…"
}
