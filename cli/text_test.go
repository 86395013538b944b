package cli

import (
	"strings"
	"testing"
	"unicode/utf8"

	"relay/cli/term"
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
		if n := utf8.RuneCountInString(l); n > term.Columns {
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
