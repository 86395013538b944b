package term

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWriteFields_wrapsAndKeepsAll(t *testing.T) {
	var b strings.Builder
	words := strings.Repeat("word ", 40)
	if err := WriteFields(&b, []Field{{"name", "acme"}, {"nothing", ""}, {"reply", words}}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if n := utf8.RuneCountInString(line) - 1; n > Columns {
			t.Errorf("%d characters: %s", n, line)
		}
	}
	if strings.Count(b.String(), "word") != 40 || strings.Contains(b.String(), "nothing") {
		t.Errorf("got\n%s", b.String())
	}
}

func TestArray(t *testing.T) {
	var b strings.Builder
	a := Array{W: &b}
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
