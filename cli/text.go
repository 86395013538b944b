package cli

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// screen is how wide a terminal is taken to be.
const screen = 80

// clean makes text safe for a terminal: addresses and replies come from
// strangers.
func clean(s string) string {
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

// cut shortens s to width characters, the last one … where something is missing.
func cut(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	if width <= 1 {
		return strings.Repeat("…", width)
	}
	return string([]rune(s)[:width-1]) + "…"
}

// pad fills s with spaces up to width.
func pad(s string, width int, right bool) string {
	n := max(width-utf8.RuneCountInString(s), 0)
	if right {
		return strings.Repeat(" ", n) + s
	}
	return s + strings.Repeat(" ", n)
}

// wrap breaks text into lines of at most width characters; a longer word stays
// whole, so that it can be copied.
func wrap(text string, width int) []string {
	var lines []string
	current := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case current == "":
			current = word
		case utf8.RuneCountInString(current)+1+utf8.RuneCountInString(word) <= width:
			current += " " + word
		default:
			lines = append(lines, current)
			current = word
		}
	}
	if current != "" {
		lines = append(lines, current)
	}
	return lines
}

// fold is wrap for what need not be copied in one piece, or cannot be: a longer
// word goes on in the next line.
func fold(text string, width int) []string {
	var lines []string
	for _, l := range wrap(text, width) {
		lines = append(lines, chop(l, width)...)
	}
	return lines
}

// chop breaks text after every width characters.
func chop(text string, width int) (parts []string) {
	runes := []rune(text)
	for len(runes) > width {
		parts = append(parts, string(runes[:width]))
		runes = runes[width:]
	}
	return append(parts, string(runes))
}
