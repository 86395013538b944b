package term

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

// drawn is a line of progress and what a terminal got of it.
func drawn(what string, total int64) (*Progress, *bytes.Buffer) {
	var out bytes.Buffer
	pr := &Progress{w: &out, what: what}
	pr.Restart(total)
	return pr, &out
}

// gone checks that no line is as wide as the screen and that nothing is left of them.
func gone(t *testing.T, out string) {
	t.Helper()
	lines := strings.Split(out, "\r")
	for _, l := range lines {
		if utf8.RuneCountInString(l) >= Columns {
			t.Errorf("%d characters: %q", utf8.RuneCountInString(l), l)
		}
	}
	if last := lines[len(lines)-2]; strings.TrimSpace(last) != "" || lines[len(lines)-1] != "" {
		t.Errorf("something is left of the line: %q", lines[len(lines)-2:])
	}
}

func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pr, out := drawn("copying", 0)
		pr.Restart(2_000_000_000) // it turned out
		for range 40 {
			time.Sleep(50 * time.Millisecond)
			if n, err := pr.Write(make([]byte, 1_000_000)); n != 1_000_000 || err != nil {
				t.Fatalf("Write = %d, %v", n, err)
			}
		}
		time.Sleep(20 * time.Second)
		pr.Add(960_000_000)
		pr.End()
		for _, want := range []string{"copying … ", "copying 2.0 GB   0% |", "copying 2.0 GB  50% |█", "[22s:"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("no %q in %q", want, out)
			}
		}
		gone(t, out.String())
	})
}

// More than was expected, or less, stops nothing and leaves nothing.
func TestProgress_wrongTotal(t *testing.T) {
	for _, done := range []int64{0, 50, 100, 101, 500} {
		pr, out := drawn("copying", 100)
		pr.Add(done)
		pr.End()
		pr.End()
		gone(t, out.String())
	}
	pr, out := drawn("proving", 0)
	pr.Add(5)
	pr.End()
	gone(t, out.String())
}

// Only a terminal sees the line.
func TestProgram_progress_notInAPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	pr := NewProgress(w, "copying", 10)
	pr.Add(5)
	pr.End()
	w.Close()
	var got bytes.Buffer
	if _, err := got.ReadFrom(r); err != nil || got.Len() > 0 {
		t.Errorf("a pipe got %q, %v", &got, err)
	}
}
