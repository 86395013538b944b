package term

import (
	"fmt"
	"strings"
	"testing"
)

func TestStream_widths(t *testing.T) {
	var out strings.Builder
	s := NewStream(t.Context(), Output{W: &out}, 0, Column{Head: "NAME", Least: 6}, Column{Head: "COUNT", Right: true}, Column{Head: "PLAN"})
	for i := range StreamRows {
		if err := s.Add(nil, fmt.Sprintf("n%d", i), "1", "p"); err != nil || (i < StreamRows-1) != (out.Len() == 0) {
			t.Fatalf("row %d: %v, %d octets", i, err, out.Len())
		}
	}
	long := strings.Repeat("x", 90)
	for _, row := range [][]string{{"wider-name", "1", "p"}, {"n", "1,234,567", "a-longer-plan"}, {long, "1", "p"}, {"n", "2", "p"}} {
		if err := s.Add(nil, row...); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.End(nil); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")[StreamRows+1:]
	want := []string{
		"wider-name      1  p",
		"n           1,234,567  a-longer-plan",
		strings.Repeat("x", 53) + "…          1  p",
		"n" + strings.Repeat(" ", 63) + "2  p",
	}
	for i, w := range want {
		if lines[i] != w {
			t.Errorf("%q, want %q", lines[i], w)
		}
	}
}
