package bodyhash

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// slow is the hash by the words of RFC 6376 §3.4.4, of a body with CRLF.
func slow(body string) []byte {
	lines := strings.Split(body, "\r\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(regexp.MustCompile(`[ \t]+`).ReplaceAllString(l, " "), " ")
	}
	body = strings.TrimRight(strings.Join(lines, "\r\n"), "\r\n")
	if body != "" {
		body += "\r\n"
	}
	sum := sha256.Sum256([]byte(body))
	return sum[:]
}

const head = "A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n"

func TestHash(t *testing.T) {
	for name, c := range map[string]struct{ message, want string }{
		"RFC 6376 §3.4.5":        {head + " C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n"},
		"an empty body":          {head, ""},
		"empty lines only":       {head + "\r\n \t\r\n\r\n", ""},
		"no final line end":      {head + "text", "text\r\n"},
		"white space at the end": {head + "text \t", "text\r\n"},
		"no header":              {"\r\ntext\r\n", "text\r\n"},
		"only a header":          {"A: b\r\n", ""},
		"a space that leads":     {head + "  a\r\n\r\n\tb\r\n", " a\r\n\r\n b\r\n"},
		"bare LF":                {"A: b\n\na \nb\n\n\n", "a\r\nb\r\n"},
		"bare CR":                {head + "a \r b\r", "a \r b\r\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			want := sha256.Sum256([]byte(c.want))
			if got := Of([]byte(c.message)); !bytes.Equal(got, want[:]) {
				t.Errorf("%x, want that of %q, %x", got, c.want, want)
			}
		})
	}
}

// The hash in the example of RFC 6376 §A.2 is of the simple form; this body is the same
// in both.
func TestHash_RFC6376A2(t *testing.T) {
	body := "Hi.\r\n\r\nWe lost the game. Are you hungry yet?\r\n\r\nJoe.\r\n"
	if got := base64.StdEncoding.EncodeToString(Of([]byte("A: b\r\n\r\n" + body))); got != "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=" {
		t.Error(got)
	}
}

// Any cut of any body has the hash that the RFC's words give.
func TestHash_pieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{" ", "\t", "  ", "\r\n", "\r\n\r\n", "a", "word", " word ", "..", "é",
			strings.Repeat("x", 30), strings.Repeat("y z ", 20), "1234567", "12345678"}), 0, 40).Draw(t, "body"), "")
		message := []byte(head + body)
		want := slow(body)
		h := New()
		for len(message) > 0 {
			n := rapid.IntRange(1, min(len(message), rapid.SampledFrom([]int{1, 9, 200}).Draw(t, "most"))).Draw(t, "piece")
			if m, err := h.Write(message[:n]); m != n || err != nil {
				t.Fatal(m, err)
			}
			message = message[n:]
		}
		if got := h.Sum(); !bytes.Equal(got, want) {
			t.Fatalf("%x, want %x: %q", got, want, body)
		}
	})
}

func BenchmarkHash(b *testing.B) {
	for name, line := range map[string]string{
		"base64": strings.Repeat("QUJD", 19) + "\r\n",
		"text":   "The quick brown fox jumps over the lazy dog and runs away, as it always did.\r\n",
		"html":   "    <td class=\"a\">  text  </td> \r\n",
	} {
		block := []byte(strings.Repeat(line, 32<<10/len(line)))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(block)))
			h := New()
			_, _ = h.Write([]byte(head))
			for b.Loop() {
				_, _ = h.Write(block)
			}
		})
	}
	b.Run("sha256 alone", func(b *testing.B) {
		block, sum := make([]byte, 32<<10), sha256.New()
		b.SetBytes(int64(len(block)))
		for b.Loop() {
			sum.Write(block)
		}
	})
}
