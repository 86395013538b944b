package mail

import (
	"strings"
	"testing"
	"testing/iotest"
)

func TestCopyHeaders(t *testing.T) {
	long := "X-Long: " + strings.Repeat("x", 10_000) + "\r\n"
	for name, c := range map[string]struct{ in, want string }{
		"headers and a body":     {"A: 1\r\nB: 2\r\n\r\nbody\r\n\r\nmore", "A: 1\r\nB: 2\r\n"},
		"no body":                {"A: 1\r\n", "A: 1\r\n"},
		"no headers":             {"\r\nbody", ""},
		"a long line":            {long + "B: 2\r\n\r\nbody", long + "B: 2\r\n"},
		"one that ends a buffer": {"A: " + strings.Repeat("x", 4093) + "\r\nB: 2\r\n\r\nbody", "A: " + strings.Repeat("x", 4093) + "\r\nB: 2\r\n"},
		"nothing":                {"", ""},
	} {
		var b strings.Builder
		if err := copyHeaders(&b, iotest.OneByteReader(strings.NewReader(c.in))); err != nil || b.String() != c.want {
			t.Errorf("%s: %q, %v, want %q", name, b.String(), err, c.want)
		}
	}
}
