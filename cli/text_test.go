package cli

import (
	"strings"
	"testing"
	"unicode/utf8"

	"relay/cli/term"
)

func TestTable_fitsTheScreen(t *testing.T) {
	tab := term.NewTable(term.Column{Head: "NAME", Least: 10}, term.Column{Head: "N", Right: true}, term.Column{Head: "CONTACT", Least: 10})
	tab.Add("short", "1", "a@b.example")
	tab.Add(strings.Repeat("n", 90), "1,000,000", strings.Repeat("ü", 200)+"\x1b[31m\n")
	var b strings.Builder
	if err := tab.Print(&b); err != nil {
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
	tab := term.NewTable(term.Column{Head: "A", Least: 5}, term.Column{Head: "B", Right: true})
	tab.Add("x", "10")
	var b strings.Builder
	if err := tab.Print(&b); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "A   B\nx  10\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWriteFields_wrapsAndKeepsAll(t *testing.T) {
	var b strings.Builder
	words := strings.Repeat("word ", 40)
	if err := term.WriteFields(&b, []term.Field{{"name", "acme"}, {"nothing", ""}, {"reply", words}}); err != nil {
		t.Fatal(err)
	}
	checkWidth(t, "fields", b.String())
	if strings.Count(b.String(), "word") != 40 || strings.Contains(b.String(), "nothing") {
		t.Errorf("got\n%s", b.String())
	}
}

func TestArray(t *testing.T) {
	var b strings.Builder
	a := term.Array{W: &b}
	for range 2 {
		if err := a.Add(map[string]string{"a": "<b>"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.End(); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "[\n {\"a\":\"<b>\"},\n {\"a\":\"<b>\"}\n]\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
