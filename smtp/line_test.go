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

	"relay/smtp/wire"
)

// halves is a connection from which s comes in pieces of random lengths.
type halves struct {
	net.Conn
	s   *strings.Reader
	rnd *rand.Rand
}

func (w *halves) Read(b []byte) (int, error)    { return w.s.Read(b[:min(len(b), 1+w.rnd.IntN(7))]) }
func (w *halves) SetDeadline(t time.Time) error { return nil }

// linesOf are the command lines that are read out of s, and how many were refused.
func linesOf(t *rapid.T, s string, seed uint64) (lines []string, refused int) {
	w := &halves{s: strings.NewReader(s), rnd: rand.New(rand.NewPCG(seed, 0))}
	c := &Conn{srv: &Server{}, cfg: newSettings(Config{}.withDefaults()), known: true}
	c.begin(w)
	for {
		line, err := c.line(false)
		switch bad, ours := errors.AsType[*wire.Reply](err); {
		case ours:
			if bad.Code != 500 {
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
	parts := []string{"\r", "\n", "\r\n", "\r\n", "NOOP", "BDAT 4", " ", "\r\n.\r\n", strings.Repeat("x", wire.MaxLine-4), strings.Repeat("y", 3*wire.MaxLine)}
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 20).Draw(t, "parts"), "") + "\r\n"
		var want []string
		bad := 0
		for line := range strings.SplitSeq(strings.TrimSuffix(s, "\r\n"), "\r\n") {
			if strings.Contains(line, "\n") || len(line) > wire.MaxLine {
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
