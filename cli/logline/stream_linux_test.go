package logline

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"syscall"
	"testing"
)

// The stream is the journal's only if the variable means this very one.
func TestIsJournal(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	info, err := w.Stat()
	if err != nil {
		t.Fatal(err)
	}
	st := info.Sys().(*syscall.Stat_t)
	name := strconv.FormatUint(uint64(st.Dev), 10) + ":" + strconv.FormatUint(st.Ino, 10)
	for _, c := range []struct {
		w        io.Writer
		variable string
		want     bool
	}{{w, name, true}, {w, "", false}, {w, name + "1", false}, {w, "x", false}, {os.Stderr, name, false}, {&bytes.Buffer{}, name, false}} {
		if got := IsJournal(c.w, c.variable); got != c.want {
			t.Errorf("IsJournal(%T, %q) = %v", c.w, c.variable, got)
		}
	}
}
