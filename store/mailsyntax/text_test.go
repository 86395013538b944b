package mailsyntax

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// texts are what strangers write, and what each rule makes of it.
var texts = []struct {
	in, ascii, line string
	hidden, text    bool
}{
	{in: "", text: true},
	{in: "plain ~text!", ascii: "plain ~text!", line: "plain ~text!", text: true},
	{in: "Jörg €5 😀", ascii: "J?rg ?5 ?", line: "Jörg €5 😀", text: true},
	{in: "a\r\nBcc: b", ascii: "a??Bcc: b", line: "a  Bcc: b", hidden: true},
	{in: "a\tb\x00c\x7f", ascii: "a?b?c?", line: "a b c ", hidden: true},
	{in: "\x1b[31mred", ascii: "?[31mred", line: " [31mred", hidden: true},
	{in: "c1 \u0085 \u009b", ascii: "c1 ? ?", line: "c1 ? ?", hidden: true},
	{in: "bad \xff utf", ascii: "bad ? utf", line: "bad ? utf", hidden: true},
	{in: "replaced \ufffd", ascii: "replaced ?", line: "replaced ?", hidden: true, text: true},
	{in: "turned \u202e round", ascii: "turned ? round", line: "turned ? round", hidden: true, text: true},
	{in: "zero\u200bwidth", ascii: "zero?width", line: "zero?width", hidden: true, text: true},
	{in: "10\u00a0MB", ascii: "10?MB", line: "10?MB", text: true},
	{in: "lines\u2028apart", ascii: "lines?apart", line: "lines?apart", text: true},
}

func TestText(t *testing.T) {
	for _, c := range texts {
		if got := ASCII(c.in); got != c.ascii {
			t.Errorf("ASCII(%q) = %q, want %q", c.in, got, c.ascii)
		}
		if got := Line(c.in); got != c.line {
			t.Errorf("Line(%q) = %q, want %q", c.in, got, c.line)
		}
		if got := strings.ContainsFunc(c.in, Hidden); got != c.hidden {
			t.Errorf("%q has hidden characters: %t", c.in, got)
		}
		if got := IsText(c.in); got != c.text {
			t.Errorf("IsText(%q) = %t", c.in, got)
		}
		if got := IsASCII(c.in); got != IsASCII([]byte(c.in)) || got != (len(c.in) == strings.Count(ASCII(c.in), "")-1 && !strings.ContainsFunc(c.in, func(r rune) bool { return r > 0x7f })) {
			t.Errorf("IsASCII(%q) = %t", c.in, got)
		}
	}
}

// What a rule lets through it leaves alone the next time, and nothing in it ends a line.
func TestText_once(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "octets")) + rapid.String().Draw(t, "text")
		line, ascii := Line(s), ASCII(s)
		if Line(line) != line || strings.ContainsFunc(line, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }) || !IsText(line) {
			t.Fatalf("Line(%q) = %q", s, line)
		}
		if ASCII(ascii) != ascii || !IsASCII(ascii) || Line(ascii) != ascii {
			t.Fatalf("ASCII(%q) = %q", s, ascii)
		}
		most := rapid.IntRange(0, 100).Draw(t, "most")
		short := strings.TrimSuffix(Shorten(s, most), "…")
		if len(s) <= most && Shorten(s, most) != s || len(s) > most && len(short) > most {
			t.Fatalf("Shorten(%q, %d) = %q", s, most, Shorten(s, most))
		}
		if utf8.ValidString(s) {
			if n := Fit(s, most); n > most || !utf8.ValidString(s[:n]) || n < len(s) && n < most-utf8.UTFMax {
				t.Fatalf("Fit(%q, %d) = %d", s, most, n)
			}
		}
	})
}

func TestCutPrefix(t *testing.T) {
	for _, c := range []struct {
		in, rest string
		ok       bool
	}{{"FROM:<a@b>", "<a@b>", true}, {"from:", "", true}, {"fro", "fro", false}, {"TO:<a@b>", "TO:<a@b>", false}} {
		if rest, ok := CutPrefix(c.in, "From:"); rest != c.rest || ok != c.ok {
			t.Errorf("CutPrefix(%q) = %q, %t", c.in, rest, ok)
		}
	}
}
