package words

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"relay/store/mailsyntax"
)

// Clean makes one line of text that is safe to show anywhere: texts come from strangers.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if mailsyntax.Hidden(r) {
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

// Shown is how many of many things a line names.
const Shown = 5

// First joins the names of the first of n things.
func First(list []string, n int) string {
	text := strings.Join(list, ", ")
	if n > len(list) {
		text += ", …"
	}
	return text
}

// Some of a list's texts are for a sentence: the first ones.
func Some(list []string) string { return First(list[:min(len(list), Shown)], len(list)) }

// DidYouMean is "; did you mean ...?" when one of the names is near to word.
func DidYouMean(word string, names []string) string { return DidYouMeanAfter("", word, names) }

// DidYouMeanAfter is the same for names that are typed with a prefix.
func DidYouMeanAfter(prefix, word string, names []string) string {
	best, least := "", min(1+len(word)/3, len(word)/2)
	for _, n := range names {
		if d := distance(word, n); d <= least {
			best, least = n, d-1
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", prefix+best)
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
