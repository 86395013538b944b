package mailsyntax

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Lines of a header that we write.
const (
	foldAt  = 76  // octets: a longer line is folded if it has a space
	MaxWord = 900 // octets: a longer word is cut; a line may have 998 (RFC 5322 §2.1.1)
)

// AppendField adds a header field to b, folded at spaces. A run of spaces and control
// characters of ASCII counts as one space, so nothing in value can end the field.
func AppendField(b []byte, name, value string) []byte {
	b = append(append(b, name...), ':')
	column := len(name) + 1
	for word := range strings.FieldsFuncSeq(value, isGap) {
		for first := true; first || word != ""; first = false {
			n := Fit(word, MaxWord)
			if column > len(name)+1 && column+1+n > foldAt || !first {
				b = append(b, '\r', '\n')
				column = 0
			}
			b = append(append(b, ' '), word[:n]...)
			column += 1 + n
			word = word[n:]
		}
	}
	return append(b, '\r', '\n')
}

func isGap(r rune) bool { return r <= ' ' || r == 0x7f }

// Fit is the length of s, or of as many whole characters of it as fit in max octets.
func Fit(s string, max int) int {
	if len(s) <= max {
		return len(s)
	}
	n := max
	for n > max-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return n
}

var colon = []byte(":")

// SplitField cuts a line of a header into the name and the value of a field (RFC 5322 §3.6.8).
// Octets above 127 may stand in a name (RFC 6532), and space behind it (RFC 5322 §4.5). ok is
// false for a line that begins no field.
func SplitField(line []byte) (name, value []byte, ok bool) {
	name, value, ok = bytes.Cut(line, colon)
	name = bytes.TrimRight(name, " \t")
	return name, value, ok && isFieldName(name)
}

func isFieldName(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c == 0x7f {
			return false
		}
	}
	return len(b) > 0
}

// FieldIs compares the name of a field with one in lower case.
func FieldIs(name []byte, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
	for i, c := range name {
		if c|0x20 != lower[i] && c != lower[i] {
			return false
		}
	}
	return true
}
