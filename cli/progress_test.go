package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestProgress(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	pr := &progress{w: &out, what: "copying", total: 2_000_000_000, now: func() time.Time { return now }, start: now}
	for range 40 {
		now = now.Add(50 * time.Millisecond)
		if n, err := pr.Write(make([]byte, 1_000_000)); n != 1_000_000 || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
	}
	pr.end()
	lines := strings.Split(out.String(), "\r")
	if got := len(lines); got < 10 || got > 14 {
		t.Errorf("%d lines in two seconds: %q", got, lines)
	}
	const want = "copying   1 %  37 MB of 2.0 GB  20 MB/s  1m left"
	found := false
	for _, l := range lines {
		found = found || strings.TrimRight(l, " ") == want
		if utf8.RuneCountInString(l) >= screen {
			t.Errorf("%d characters: %q", utf8.RuneCountInString(l), l)
		}
	}
	if !found {
		t.Errorf("no line %q in %q", want, lines)
	}
	if last := lines[len(lines)-2]; strings.TrimSpace(last) != "" || lines[len(lines)-1] != "" {
		t.Errorf("something is left of the line: %q", lines[len(lines)-2:])
	}
}

func TestProgress_widest(t *testing.T) {
	pr := &progress{what: "copying", total: 999_999_999_999_999, done: 1_000_000}
	if l := pr.line(time.Hour); utf8.RuneCountInString(l) >= screen {
		t.Errorf("%d characters: %q", utf8.RuneCountInString(l), l)
	}
}

// Only a terminal sees the line.
func TestProgram_progress_notInAPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	pr := (&program{App: App{Stderr: w}}).progress("copying", 10)
	pr.add(5)
	pr.end()
	w.Close()
	var got bytes.Buffer
	if _, err := got.ReadFrom(r); err != nil || got.Len() > 0 {
		t.Errorf("a pipe got %q, %v", &got, err)
	}
}
