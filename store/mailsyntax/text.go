package mailsyntax

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// IsASCII reports whether s has no octet above 127.
func IsASCII[T string | []byte](s T) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// ASCII makes one line of printable ASCII: each other character becomes "?".
func ASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}

// Line makes one line of printable text, for a header field, a trace or a report: see Shown.
func Line(s string) string { return strings.Map(Shown, s) }

// Shown is a character as Line shows it: a control character of ASCII, and so a line end, is a
// space; what is not printable, and broken UTF-8, is "?".
func Shown(r rune) rune {
	switch {
	case r < ' ' || r == 0x7f:
		return ' '
	case r == utf8.RuneError || r > '~' && !unicode.IsPrint(r):
		return '?'
	}
	return r
}

// Hidden reports a character that a screen does not show, or that changes how the text around
// it is shown: a control or format character, and broken UTF-8.
func Hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError
}

// IsText reports whether s is UTF-8 without control characters, so without line ends.
func IsText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// Shorten cuts s to at most so many octets, at the end of a character, and adds "…" then.
func Shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// CutPrefix is strings.CutPrefix without regard to case.
func CutPrefix(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
