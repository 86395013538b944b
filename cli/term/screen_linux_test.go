package term

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal of so many columns, and what is written to it.
func terminal(t *testing.T, columns uint16) (screen io.Reader, out *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("this machine has no terminals: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this machine has no terminals: %v", err)
	}
	t.Cleanup(func() { slave.Close() })
	mode, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	mode.Oflag &^= unix.OPOST // no CR before LF
	if err := unix.IoctlSetTermios(int(slave.Fd()), unix.TCSETS, mode); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: 24}); err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// pipe whose other end nobody reads.
func pipe(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return w
}

// shows wants a text on a screen.
func shows(t *testing.T, screen io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(screen, got); err != nil || string(got) != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

func TestWidth(t *testing.T) {
	for columns, want := range map[uint16]int{0: Columns, 10: leastColumns, 60: 60, 80: 80, 200: 200} {
		if _, out := terminal(t, columns); Width(out) != want || !IsTerminal(out) {
			t.Errorf("Width = %d, want %d", Width(out), want)
		}
	}
	for _, w := range []io.Writer{&strings.Builder{}, pipe(t)} {
		if Width(w) != Columns || IsTerminal(w) {
			t.Errorf("%T: Width = %d, a terminal: %v", w, Width(w), IsTerminal(w))
		}
	}
}

// A message wraps on a terminal only: programs read it as one line.
func TestMessage(t *testing.T) {
	const text = "relay account upgrade acme --plan large for the present term, or wait"
	screen, out := terminal(t, 50)
	Message(out, "relay: hint: ", text)
	shows(t, screen, "relay: hint: relay account upgrade acme --plan\n             large for the present term, or wait\n")
	var b strings.Builder
	Message(&b, "relay: hint: ", text)
	if want := "relay: hint: " + text + "\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

// Tables use the width of the terminal that they are for.
func TestTable_onTerminal(t *testing.T) {
	for columns, cell := range map[uint16]string{50: strings.Repeat("x", 44) + "…", 120: strings.Repeat("x", 100)} {
		screen, out := terminal(t, columns)
		tab := NewTable(Column{Head: "A", Least: 5}, Column{Head: "N", Right: true})
		tab.Add(strings.Repeat("x", 100), "100")
		if err := tab.Print(out); err != nil {
			t.Fatal(err)
		}
		shows(t, screen, Pad("A", len([]rune(cell)), false)+"    N\n"+cell+"  100\n")
	}
}

func TestColoured(t *testing.T) {
	_, out := terminal(t, 80)
	for _, c := range []struct {
		name string
		w    io.Writer
		env  map[string]string
		want bool
	}{
		{"a terminal", out, nil, true},
		{"a dumb one", out, map[string]string{"TERM": "dumb"}, false},
		{"NO_COLOR", out, map[string]string{"NO_COLOR": "1"}, false},
		{"a pipe", pipe(t), nil, false},
	} {
		if got := Coloured(c.w, func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestPaint(t *testing.T) {
	if got, want := Paint("  warning ", Yellow), "  \x1b[33mwarning\x1b[0m "; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
