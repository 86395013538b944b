package client

import (
	"strconv"
	"strings"
	"testing"
)

// unxtext is what a receiver makes of xtext (RFC 3461 §4).
func unxtext(t *testing.T, s string) string {
	var b []byte
	for i := 0; i < len(s); i++ {
		switch ch := s[i]; {
		case ch == '+':
			if i+2 >= len(s) || strings.ToUpper(s[i+1:i+3]) != s[i+1:i+3] {
				t.Fatalf("%q is cut or in lower case", s)
			}
			n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				t.Fatalf("%q: %v", s, err)
			}
			b = append(b, byte(n))
			i += 2
		case ch <= ' ' || ch >= 0x7f || ch == '=':
			t.Fatalf("%q is not xtext", s)
		default:
			b = append(b, ch)
		}
	}
	return string(b)
}

func FuzzXtext(f *testing.F) {
	for _, s := range []string{"", "a+b=c", "\x00\x7f\xff ", "ü"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := unxtext(t, string(appendXtext(nil, s))); got != s {
			t.Fatalf("%q came back as %q", s, got)
		}
		for i, ch := range appendORCPT(nil, s) {
			if ch <= ' ' || ch >= 0x7f {
				t.Fatalf("ORCPT of %q has %q at %d", s, ch, i)
			}
		}
	})
}

func TestAppendORCPT(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"rfc822;a+b@c.example", "rfc822;a+2Bb@c.example"},
		{"a@c.example", "rfc822;a@c.example"},
		{"rfc822;ü@c.example", `utf-8;\x{FC}@c.example`},
		{"UTF-8;a\\b@c.example", `utf-8;a\x{5C}b@c.example`},
		{"utf-8;😀 \t@c.example", `utf-8;\x{1F600}\x{20}\x{09}@c.example`},
	} {
		if got := string(appendORCPT(nil, tt.in)); got != tt.want {
			t.Errorf("appendORCPT(%q) = %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestWellFormed(t *testing.T) {
	for _, a := range []string{"a@b.example", `"a b"@c`, `"a\"b"@c`, `"<>"@c`, "ü@b", "a@[192.0.2.1]", "a@[IPv6:::1]", "postmaster", `"@"@b`} {
		if !wellFormed(a) {
			t.Errorf("wellFormed(%q) = false", a)
		}
	}
	for _, a := range []string{"", "a b@c", "a>b@c", "<a@b", `a"b"@c`, `"a@c`, `"a"b@c`, "a\r\nb@c", "a\x00@b", "a@b\x7f", `"a\`, "\"a\r\n\"@b", "\xff@b", `a\ b@c`} {
		if wellFormed(a) {
			t.Errorf("wellFormed(%q) = true", a)
		}
	}
}
