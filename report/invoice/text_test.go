package invoice

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestWrap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := Clean(rapid.StringN(0, 200, -1).Draw(t, "text"))
		width := rapid.IntRange(2, 30).Draw(t, "width")
		lines := wrap(text, within(width))
		for _, l := range lines {
			if l == "" || length(l) > width {
				t.Fatalf("line %q of %q, width %d", l, text, width)
			}
		}
		if got, want := strings.Join(lines, ""), strings.ReplaceAll(text, " ", ""); strings.ReplaceAll(got, " ", "") != want {
			t.Fatalf("lines %q of %q", lines, text)
		}
	})
}

func TestWrap_nothingFits(t *testing.T) {
	if got := wrap("ab c", func(string) bool { return false }); strings.Join(got, "|") != "a|b|c" {
		t.Errorf("wrap where nothing fits = %q, want one character a line", got)
	}
}

// No line but the link is wider than the screen, and figures end at its edge.
func TestText_width(t *testing.T) {
	for name, d := range samples() {
		var b bytes.Buffer
		if err := Text(&b, d); err != nil {
			t.Fatal(err)
		}
		for l := range strings.Lines(b.String()) {
			l = strings.TrimSuffix(l, "\n")
			if length(l) > screen && l != d.Link {
				t.Errorf("%s: %d columns: %q", name, length(l), l)
			}
			if strings.HasSuffix(l, " ") {
				t.Errorf("%s: blanks at the end of %q", name, l)
			}
		}
	}
}

// What a terminal makes of letters, so that what stands beside them is in line.
func TestLength(t *testing.T) {
	for s, want := range map[string]int{
		"": 0, "Łódź": 4, "東京 2": 6, "Ａ": 2, "ｱ": 1, "😀": 2, "شركة": 4, "q\u0323": 1, "한국": 4, "€ ½": 3,
	} {
		if got := length(s); got != want {
			t.Errorf("length(%q) = %d, want %d", s, got, want)
		}
	}
}

// Figures that fill the screen get a line of their own.
func TestText_hugeAmounts(t *testing.T) {
	d := open()
	d.Lines = []Line{line("plan x", 1_000_000, 9_000_000_000_00, 0)}
	d.Lines[0].Price = 9_000_000_000_000_000_000
	total(d, "EUR")
	var b bytes.Buffer
	if err := Text(&b, d); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "\nPlan x\n") || !strings.Contains(b.String(), "  9,000,000,000,000,000.00\n") {
		t.Errorf("text and figures are not on lines of their own:\n%s", b.String())
	}
}

func TestHTML_escapes(t *testing.T) {
	var b bytes.Buffer
	if err := HTML(&b, hostile()); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, bad := range []string{"<script", "<img", "<b>", "<a ", "\u202e", "\x1b", "\x00"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	if strings.Contains(page, "http-equiv") || strings.Contains(page, "src=\"") || strings.Contains(page, "url(") {
		t.Error("the page loads something from outside")
	}
}
