package client

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
)

// dotted is s as dotWriter sends it, written in pieces of n octets.
func dotted(s string, n, block int) (string, error) {
	var out bytes.Buffer
	w := dotWriter{buf: make([]byte, 0, block), send: func(b []byte) error { out.Write(b); return nil }}
	for len(s) > 0 {
		k := min(n, len(s))
		if _, err := w.Write([]byte(s[:k])); err != nil {
			return "", err
		}
		s = s[k:]
	}
	err := w.finish(w.send)
	return out.String(), err
}

func TestDotWriter(t *testing.T) {
	tests := []struct {
		name, in, want string
		err            error
	}{
		{"empty", "", ".\r\n", nil},
		{"line", "a\r\n", "a\r\n.\r\n", nil},
		{"no end of line", "a", "a\r\n.\r\n", nil},
		{"dot", ".", "..\r\n.\r\n", nil},
		{"dot line", "a\r\n.\r\nb\r\n", "a\r\n..\r\nb\r\n.\r\n", nil},
		{"dots", "..\r\n...\r\n", "...\r\n....\r\n.\r\n", nil},
		{"dot inside", "a.\r\n.b.\r\n", "a.\r\n..b.\r\n.\r\n", nil},
		{"empty lines", "\r\n\r\n.\r\n", "\r\n\r\n..\r\n.\r\n", nil},
		{"LF alone", "a\n.\nb\n", "a\r\n..\r\nb\r\n.\r\n", nil},
		{"LF alone, then CRLF", "\n\r\n.", "\r\n\r\n..\r\n.\r\n", nil},
		{"CR alone", "a\rb\r\n", "", ErrBareCR},
		{"CR CR LF", "a\r\r\n", "", ErrBareCR},
		{"CR at the end", "a\r", "", ErrBareCR},
		{"CR dot CRLF", "a\r.\r\nb", "", ErrBareCR},
		{"LF dot CR", "a\n.\rb", "", ErrBareCR},
		{"CR first", "\ra", "", ErrBareCR},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, n := range []int{1, 2, 3, 100} {
				for _, block := range []int{1, 2, 5, 100} {
					got, err := dotted(tt.in, n, block)
					if got != tt.want && tt.err == nil || !errors.Is(err, tt.err) {
						t.Errorf("in pieces of %d, blocks of %d: %q, %v, want %q, %v", n, block, got, err, tt.want, tt.err)
					}
				}
			}
		})
	}
}

func FuzzDotWriter(f *testing.F) {
	for _, s := range []string{"", ".", "a\r\n.\r\n", "\n.\n", "a\rb", "..\r\n\r\n.", "\r\n.\r\nQUIT\r\n"} {
		f.Add([]byte(s), uint8(3), uint8(4))
	}
	f.Fuzz(func(t *testing.T, b []byte, piece, block uint8) {
		in := string(b)
		got, err := dotted(in, int(piece)+1, int(block)+1)
		bare := strings.Contains(strings.ReplaceAll(in, "\r\n", ""), "\r")
		if bare != errors.Is(err, ErrBareCR) || !bare && err != nil {
			t.Fatalf("%q: %v", in, err)
		}
		if bare {
			return
		}
		// What a receiver reads back is what went in, with whole lines.
		want := strings.ReplaceAll(strings.ReplaceAll(in, "\r\n", "\n"), "\n", "\r\n")
		if want != "" && !strings.HasSuffix(want, "\n") {
			want += "\r\n"
		}
		r := bufio.NewReader(strings.NewReader(got + "next"))
		back, err := io.ReadAll(textproto.NewReader(r).DotReader())
		if err != nil || strings.ReplaceAll(string(back), "\n", "\r\n") != want {
			t.Fatalf("%q came back as %q, %v", in, back, err)
		}
		if rest, _ := io.ReadAll(r); string(rest) != "next" {
			t.Fatalf("%q ended early: %q", in, rest)
		}
		if i := strings.Index(got, "\r\n.\r\n"); i >= 0 && i != len(got)-5 {
			t.Fatalf("%q has an end inside", got)
		}
	})
}

func BenchmarkDotWriter(b *testing.B) {
	for _, width := range []int{20, 76, 900} {
		line := strings.Repeat("x", width) + "\r\n"
		content := []byte(strings.Repeat(line, 1<<20/len(line)))
		b.Run(strconv.Itoa(width)+" octets a line", func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			w := dotWriter{buf: make([]byte, 0, blockSize), send: func([]byte) error { return nil }}
			for b.Loop() {
				for p := content; len(p) > 0; {
					n := min(16<<10, len(p))
					_, _ = w.Write(p[:n])
					p = p[n:]
				}
				_ = w.finish(w.send)
			}
		})
	}
}
