package wholefile

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"relay/cli/exit"
)

// What a killed one left goes; what another is writing stays.
func TestBegin_removesWhatIsAbandoned(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".relay-copy.123", ".relay-copy.123x"} { // the second is something else
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	busy, err := Begin(dir, "relay-copy")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Discard()
	second, err := Begin(dir, "relay-copy")
	if err != nil {
		t.Fatal(err)
	}
	second.Discard()
	want := []string{".relay-copy.123x", filepath.Base(busy.Name())}
	slices.Sort(want)
	list, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		list[i] = filepath.Base(list[i])
	}
	if !slices.Equal(list, want) {
		t.Errorf("left are %v, want %v", list, want)
	}
}

func TestFile_largeOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	w, err := New(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Discard()
	want := make([]byte, 5*piece+17)
	for i := range want {
		want[i] = byte(i * 7 >> 3)
	}
	for rest := want; len(rest) > 0; {
		n := min(len(rest), 100_001)
		if _, err := w.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := w.Keep(); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !slices.Equal(got, want) {
		t.Errorf("%d octets, %v, want the %d that were written", len(got), err, len(want))
	}
}

// What needs no room is not refused, what needs more than there is, is.
func TestRoom(t *testing.T) {
	dir := t.TempDir()
	if err := Room(dir, 1); err != nil {
		t.Error(err)
	}
	err := Room(dir, 1<<60)
	if f, ok := errors.AsType[*exit.Error](err); !ok || f.Code != exit.TryAgain || f.Hint == "" {
		t.Errorf("room for an exabyte: %v", err)
	}
}
