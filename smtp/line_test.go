package smtp

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// wire is a connection from which s comes in pieces.
type wire struct {
	net.Conn
	pieces
}

func (w *wire) Read(b []byte) (int, error)    { return w.pieces.Read(b) }
func (w *wire) SetDeadline(t time.Time) error { return nil }

// linesOf are the command lines that are read out of s, and how many were refused.
func linesOf(t *rapid.T, s string, seed uint64) (lines []string, refused int) {
	w := &wire{pieces: pieces{s, rand.New(rand.NewPCG(seed, 0))}}
	c := &Conn{cfg: newSettings(Config{}.withDefaults()), raw: w, cur: w, known: true}
	for {
		line, err := c.line(false)
		switch bad, ours := errors.AsType[*reply](err); {
		case ours:
			if bad.code != 500 {
				t.Fatalf("refused with %v", bad)
			}
			refused++
		case errors.Is(err, io.EOF):
			return lines, refused
		case err != nil:
			t.Fatal(err)
		default:
			lines = append(lines, string(line))
		}
	}
}

// What is run does not depend on how the octets arrive: it is what stands between
// one CRLF and the next, without an LF in it, and not too long.
func TestConn_linesEndAtCRLF(t *testing.T) {
	parts := []string{"\r", "\n", "\r\n", "\r\n", "NOOP", "BDAT 4", " ", "\r\n.\r\n", strings.Repeat("x", maxLine-4), strings.Repeat("y", 3*maxLine)}
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 20).Draw(t, "parts"), "") + "\r\n"
		var want []string
		bad := 0
		for line := range strings.SplitSeq(strings.TrimSuffix(s, "\r\n"), "\r\n") {
			if strings.Contains(line, "\n") || len(line) > maxLine {
				bad++
				continue
			}
			want = append(want, line)
		}
		got, refused := linesOf(t, s, rapid.Uint64().Draw(t, "seed"))
		if !slices.Equal(got, want) {
			t.Fatalf("run %.80q, want %.80q", got, want)
		}
		if refused < bad || bad == 0 && refused > 0 {
			t.Fatalf("refused %d times for %d lines", refused, bad)
		}
	})
}
