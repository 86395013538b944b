package term

import (
	"testing"

	"relay/report/words"
)

func TestCut(t *testing.T) {
	for _, c := range []struct {
		in    string
		width int
		want  string
	}{{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"äöüß", 3, "äö…"}, {"abc", 1, "…"}, {"abc", 0, ""}} {
		if got := words.Cut(c.in, c.width); got != c.want {
			t.Errorf("words.Cut(%q, %d) = %q, want %q", c.in, c.width, got, c.want)
		}
	}
}
