package cli

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestTable_fitsTheScreen(t *testing.T) {
	tab := newTable(column{head: "NAME", least: 10}, column{head: "N", right: true}, column{head: "CONTACT", least: 10})
	tab.add("short", "1", "a@b.example")
	tab.add(strings.Repeat("n", 90), "1,000,000", strings.Repeat("ü", 200)+"\x1b[31m\n")
	var b strings.Builder
	if err := tab.write(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines:\n%s", len(lines), b.String())
	}
	for _, l := range lines {
		if n := utf8.RuneCountInString(l); n > screen {
			t.Errorf("%d characters: %s", n, l)
		}
	}
	if !strings.Contains(lines[2], "…") || !strings.Contains(lines[2], "1,000,000") || strings.ContainsRune(b.String(), 0x1b) {
		t.Errorf("want shortened text, whole numbers and nothing for the terminal:\n%s", b.String())
	}
}

func TestTable_isNarrowWhereItCanBe(t *testing.T) {
	tab := newTable(column{head: "A", least: 5}, column{head: "B", right: true})
	tab.add("x", "10")
	var b strings.Builder
	if err := tab.write(&b); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "A   B\nx  10\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWriteFields_wrapsAndKeepsAll(t *testing.T) {
	var b strings.Builder
	words := strings.Repeat("word ", 40)
	if err := writeFields(&b, []field{{"name", "acme"}, {"nothing", ""}, {"reply", words}}); err != nil {
		t.Fatal(err)
	}
	checkWidth(t, "fields", b.String())
	if strings.Count(b.String(), "word") != 40 || strings.Contains(b.String(), "nothing") {
		t.Errorf("got\n%s", b.String())
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		in    string
		width int
		want  string
	}{{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"äöüß", 3, "äö…"}, {"abc", 1, "…"}, {"abc", 0, ""}} {
		if got := cut(c.in, c.width); got != c.want {
			t.Errorf("cut(%q, %d) = %q, want %q", c.in, c.width, got, c.want)
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 59 * time.Second: "59s", 61 * time.Second: "1m", 90 * time.Minute: "1h30m", 2 * time.Hour: "2h",
		49 * time.Hour: "2d1h", 48 * time.Hour: "2d", -time.Minute: "-1m",
		math.MinInt64: "-106751d23h",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1500: "1.5 kB", -1500: "-1.5 kB", math.MaxInt64: "9.2 EB", math.MinInt64: "-9.2 EB",
	} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"4d": 96 * time.Hour, "2w": 336 * time.Hour, "1w1d": 192 * time.Hour, "1d12h": 36 * time.Hour, "90s": 90 * time.Second, " 5m ": 5 * time.Minute,
	} {
		if got, err := parseDuration(in); got != want || err != nil {
			t.Errorf("parseDuration(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "4", "d", "4 days", "-4d", "-5m", "1h1d", "999999d1"} {
		if got, err := parseDuration(in); err == nil {
			t.Errorf("parseDuration(%q) = %v, want an error", in, got)
		}
	}
}

func TestParseSize(t *testing.T) {
	for in, want := range map[string]int64{"100MB": 100_000_000, "1 GB": 1_000_000_000, "1MiB": 1 << 20, "12": 12, "1.5kB": 1500} {
		if got, err := parseSize(in); got != want || err != nil {
			t.Errorf("parseSize(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "MB", "-1MB", "10 bananas", "99999999999GB"} {
		if got, err := parseSize(in); err == nil {
			t.Errorf("parseSize(%q) = %v, want an error", in, got)
		}
	}
}

func TestArray(t *testing.T) {
	var b strings.Builder
	a := array{w: &b}
	for range 2 {
		if err := a.add(map[string]string{"a": "<b>"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.end(); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "[\n {\"a\":\"<b>\"},\n {\"a\":\"<b>\"}\n]\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A percentage is that of whole numbers.
func TestPercent(t *testing.T) {
	for _, c := range []struct {
		part, whole int64
		want        string
	}{{29, 100, " (29 %)"}, {57, 100, " (57 %)"}, {999, 1000, " (99 %)"}, {3, 2, " (150 %)"}, {0, 7, " (0 %)"}, {1, 0, ""}} {
		if got := percent(c.part, c.whole); got != c.want {
			t.Errorf("percent(%d, %d) = %q, want %q", c.part, c.whole, got, c.want)
		}
	}
}
