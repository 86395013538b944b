package term

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
)

// Time stands still: rows are held back only for so long.
func TestStream_widths(t *testing.T) { synctest.Test(t, streamWidths) }

func streamWidths(t *testing.T) {
	var out strings.Builder
	s := NewStream(Output{W: &out}, 0, "", Column{Head: "NAME", Least: 6}, Column{Head: "COUNT", Right: true}, Column{Head: "PLAN"})
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

// A list that breaks off is no document: a program behind a pipe does not see the exit code.
func TestStream_broken(t *testing.T) {
	broken := errors.New("broken")
	for rows, err := range map[int]error{0: broken, 1: broken, 2: nil} {
		var out strings.Builder
		s := NewStream(Output{W: &out, JSON: true, Note: t.Logf}, 0, "", Column{Head: "NAME"})
		for i := range rows {
			if err := s.Add(i); err != nil {
				t.Fatal(err)
			}
		}
		end, whole := s.End(err), json.Valid([]byte(out.String()))
		if failed := err == broken; errors.Is(end, broken) != failed || whole == failed {
			t.Errorf("after %d rows and %v: %v and %q", rows, err, end, out.String())
		}
	}
}
