package invoice

import (
	"strings"
	"unicode/utf8"
)

// wrap breaks text into lines that fit. A word that does not is broken where it
// has to be; no line is empty, so that one character at least is on each.
func wrap(text string, fits func(string) bool) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && fits(line+" "+word) {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		var full []string
		full, line = chop(word, fits)
		lines = append(lines, full...)
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// chop cuts pieces that fit off a word; the rest fits too, or is one character.
func chop(word string, fits func(string) bool) (pieces []string, rest string) {
	for !fits(word) {
		_, at := utf8.DecodeRuneInString(word)
		for i := range word {
			if i > at && fits(word[:i]) {
				at = i
			}
		}
		if at == len(word) {
			break
		}
		pieces, word = append(pieces, word[:at]), word[at:]
	}
	return pieces, word
}
