package term

import "testing"

func TestPaintState(t *testing.T) {
	for _, c := range []struct{ text, state, want string }{
		{"suspended  ", "suspended", "\x1b[31msuspended\x1b[0m  "},
		{"late 2026-11-30", "late 2026-11-30", "\x1b[31mlate 2026-11-30\x1b[0m"},
		{"active", "active", "\x1b[32mactive\x1b[0m"},
		{"closed", "closed", "closed"},
		{"", "", ""},
	} {
		if got := PaintState(c.text, c.state); got != c.want {
			t.Errorf("PaintState(%q, %q) = %q, want %q", c.text, c.state, got, c.want)
		}
	}
}
