package term

import (
	"strings"
	"unicode/utf8"
)

// Pad fills s with spaces up to width, on its left when right is set.
func Pad(s string, width int, right bool) string {
	n := max(width-utf8.RuneCountInString(s), 0)
	if right {
		return strings.Repeat(" ", n) + s
	}
	return s + strings.Repeat(" ", n)
}

// Wrap breaks text into lines of at most width characters. A longer word stays
// whole, so that it can be copied.
func Wrap(text string, width int) []string {
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

// Fold is Wrap for text that nobody copies in one piece: a longer word goes on in
// the next line.
func Fold(text string, width int) []string {
	var lines []string
	for _, l := range Wrap(text, width) {
		lines = append(lines, Chop(l, width)...)
	}
	return lines
}

// Chop breaks text after every width characters.
func Chop(text string, width int) (parts []string) {
	runes := []rune(text)
	for len(runes) > width {
		parts = append(parts, string(runes[:width]))
		runes = runes[width:]
	}
	return append(parts, string(runes))
}
