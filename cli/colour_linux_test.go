package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A status is coloured on a terminal, and there only, whether relay runs or not.
func TestColours(t *testing.T) {
	finding := finding{Check: "disk", Status: warning, Detail: "nearly full", Advice: "make space"}
	const plain = "  warning  disk  nearly full\n                 → make space\n"
	coloured := strings.Replace(plain, "warning", "\x1b[33mwarning\x1b[0m", 1)
	on, off := map[string]string{}, map[string]string{"NO_COLOR": "1"}
	for _, c := range []struct {
		name     string
		env      map[string]string
		terminal bool
		inner    *relay
		asked    bool
		want     string
	}{
		{"on a terminal", on, true, nil, false, coloured},
		{"on a dumb one", map[string]string{"TERM": "dumb"}, true, nil, false, plain},
		{"with NO_COLOR", off, true, nil, false, plain},
		{"in a pipe", on, false, nil, false, plain},
		{"sent from a terminal", on, false, &relay{}, true, coloured},
		{"sent from a pipe", on, true, &relay{}, false, plain},
	} {
		t.Run(c.name, func(t *testing.T) {
			screen, out := pipeOrTerminal(t, c.terminal)
			p := &program{App: App{Stdout: out, Getenv: env(c.env).get}, inner: c.inner, coloured: c.asked}
			if err := p.writeFinding(finding, len("disk")); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(c.want))
			if _, err := io.ReadFull(screen, got); err != nil {
				t.Fatal(err)
			}
			if string(got) != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// pipeOrTerminal is both ends of a pipe, or of a terminal that changes nothing.
func pipeOrTerminal(t *testing.T, terminal bool) (screen io.Reader, out *os.File) {
	t.Helper()
	if !terminal {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close(); w.Close() })
		return r, w
	}
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no terminal to be had: %v", err)
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
		t.Skipf("no terminal to be had: %v", err)
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
	return master, slave
}
