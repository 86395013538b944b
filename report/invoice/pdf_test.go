package invoice

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/sfnt"
)

func TestPDF_deterministic(t *testing.T) {
	for name, d := range samples() {
		var first, second bytes.Buffer
		if err := PDF(&first, d); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := PDF(&second, d); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Errorf("%s: two renderings differ", name)
		}
	}
}

// contents are the texts of a PDF in the order they are drawn, and how many
// pages it has.
func contents(t *testing.T, d *Document) (texts []string, pages int) {
	t.Helper()
	draft, err := compose(d, 0)
	if err != nil {
		t.Fatal(err)
	}
	s, err := compose(d, draft.PageNo())
	if err != nil {
		t.Fatal(err)
	}
	s.SetCompression(false)
	var b bytes.Buffer
	if err := s.Output(&b); err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?s)Td \(((?:[^\\)]|\\.)*)\) Tj`).FindAllSubmatch(b.Bytes(), -1) {
		texts = append(texts, decode(m[1]))
	}
	return texts, s.PageNo()
}

// decode undoes the escapes of a string (ISO 32000-1 §7.3.4.2), which is UTF-16.
func decode(s []byte) string {
	raw := regexp.MustCompile(`(?s)\\(.)`).ReplaceAllFunc(s, func(m []byte) []byte {
		if m[1] == 'r' {
			return []byte{'\r'}
		}
		return m[1:]
	})
	var units []uint16
	for i := 0; i+1 < len(raw); i += 2 {
		units = append(units, uint16(raw[i])<<8|uint16(raw[i+1]))
	}
	return string(utf16.Decode(units))
}

func TestPDF_says(t *testing.T) {
	for name, want := range map[string][]string{
		"open": {"Invoice R-17", "Posta Sicura S.r.l.", "Müller & Söhne GmbH", "23 November 2026", "newsletter", "Plan bandwidth-500, a year",
			"3", "4.50", "22%", "13.50", "EUR 133.50", "Tax 22% on 133.50", "EUR 29.37", "EUR 162.87", "Due by 7 December 2026", "How to pay",
			"https://pay.example.org/newsletter?ref=R-17&amount=162.87&currency=EUR", "page 1 of 1"},
		"paid": {"PAID", "Żółta Łódź sp. z o.o.", "Ελληνικά Ταχυδρομεία", "ООО «Почта России»", "Nguyên Văn Thăng, ??",
			"Printed list of errors, reduced rate, € 5.50", "Tax 10% on 5.50"},
		"refunded":    {"REFUNDED"},
		"cancelled":   {"CANCELLED"},
		"credit-note": {"Credit note R-18", "For invoice", "R-17", "−120.00", "−EUR 133.50", "Tax 22% on −133.50"},
		"yen":         {"JPY 1,000"},
		"wide":        {"Aktiengesellschaft für grenzüberschreitende Nachrichtenübermittlung und …", "KWD 18,518,518,350.005"},
		"hostile":     {"<script>alert(1)</script>", "a [31mred evil", "Café & \"Co\"\uFFFD"},
	} {
		got, _ := contents(t, samples()[name])
		for _, w := range want {
			if !contains(got, w) {
				t.Errorf("%s: %q is not there; there is %q", name, w, got)
			}
		}
	}
	got, _ := contents(t, cancelled())
	if contains(got, "How to pay") {
		t.Error("a cancelled invoice says how to pay")
	}
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}

// Lines break over pages: every page has the heads of the columns and its
// number, every line is there once, in order.
func TestPDF_pages(t *testing.T) {
	for _, lines := range []int{0, 1, 17, 18, 19, 20, 21, 22, 23, 24, 45, 46, 47, 48, 49, 50, 90} {
		got, pages := contents(t, long(lines))
		heads, next := 0, 1
		for _, s := range got {
			if s == "Description" {
				heads++
			}
			if strings.HasPrefix(s, fmt.Sprintf("Block of %d GB ", next)) {
				next++
			}
		}
		if next-1 != lines {
			t.Fatalf("%d lines: the next to come is %d", lines, next)
		}
		for n := range pages {
			if !contains(got, pageOf(n+1, pages)) {
				t.Errorf("%d lines: page %d of %d is not numbered", lines, n+1, pages)
			}
		}
		if heads < pages-1 || heads > pages {
			t.Errorf("%d lines on %d pages: %d heads of columns", lines, pages, heads)
		}
	}
}

// A line longer than a page goes on on the next one.
func TestPDF_endlessLine(t *testing.T) {
	d := open()
	d.Lines[0].Text = strings.Repeat("word ", 5_000)
	d.Instructions = strings.Repeat("pay\n", 200)
	got, pages := contents(t, d)
	words := 0
	for _, s := range got {
		words += strings.Count(strings.ToLower(s), "word")
	}
	if words != 5_000 || pages < 4 {
		t.Errorf("%d words on %d pages, want 5000 on several", words, pages)
	}
}

// Figures too wide for a column beside the text stand under it.
func TestPDF_hugeAmounts(t *testing.T) {
	d := open()
	d.Lines = []Line{line("plan x", 1_000_000, 9_000_000_000_00, 0)}
	d.Lines[0].Count = 1_000_000_000_000_000_000
	d.Lines[0].Price = 9_000_000_000_000_000_000
	total(d, "KWD")
	got, _ := contents(t, d)
	if !contains(got, "Plan x") || !contains(got, "9,000,000,000,000,000.000") {
		t.Errorf("texts %q", got)
	}
}

func TestPDF_nothing(t *testing.T) {
	if got, pages := contents(t, &Document{}); pages != 1 || !contains(got, "page 1 of 1") {
		t.Errorf("an empty document: %d pages, %q", pages, got)
	}
}

// The bold font has all that the regular one has.
func TestGlyphs_bold(t *testing.T) {
	bold, err := sfnt.Parse(gobold.TTF)
	if err != nil {
		t.Fatal(err)
	}
	g, err := newGlyphs()
	if err != nil {
		t.Fatal(err)
	}
	other := &glyphs{font: bold}
	for r := rune(0x20); r < 0xffff; r++ {
		if g.has(r) && !other.has(r) {
			t.Errorf("%U %c is not in the bold font", r, r)
		}
	}
}

func TestGlyphs_text(t *testing.T) {
	g, err := newGlyphs()
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"Øđłßþ Ωя € −": "Øđłßþ Ωя € −", "ễ": "ê", "STRAẞE": "STRASSE", "Əliyev": "Eliyev", "日本 😀": "?? ?", "\u202f₽": " RUB",
	} {
		if got := g.text(in); got != want {
			t.Errorf("text(%q) = %q, want %q", in, got, want)
		}
	}
}

// What the fonts do not have is told, and what they have is not.
func TestMissing(t *testing.T) {
	for name, d := range samples() {
		want := map[string]string{"paid": "ễắ東京"}[name]
		if got, err := Missing(d); err != nil || got != want && name != "scripts" {
			t.Errorf("%s: missing %q, %v, want %q", name, got, err, want)
		}
	}
	d := open()
	d.Buyer = []string{"東京東京 ₺ ẞ Ωя", "Nguyễn", "Əliyev"}
	if got, err := Missing(d); err != nil || got != "東京ễƏ" {
		t.Errorf("missing %q, %v", got, err)
	}
}

// What a reader of PDF reads, where one is installed.
func TestPDF_pdftotext(t *testing.T) {
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("pdftotext is not installed")
	}
	path := filepath.Join(t.TempDir(), "invoice.pdf")
	var b bytes.Buffer
	if err := PDF(&b, paid()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool, "-layout", "-enc", "UTF-8", path, "-").CombinedOutput()
	if err != nil {
		t.Fatalf("pdftotext: %v\n%s", err, out)
	}
	for _, want := range []string{"Invoice R-17 +PAID", "VAT IT01234567890 +Ștefan Țepeș, İğdır, Győr, Þórr, Ķegums", "Ελληνικά Ταχυδρομεία", "ООО «Почта России»",
		"1 GB ahead +3 +4.50 +22% +13.50", "€ 5.50", "Total +EUR 170.12", "page 1 of 1"} {
		if !regexp.MustCompile(want).Match(out) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}
