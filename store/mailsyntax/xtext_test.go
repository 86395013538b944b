package mailsyntax

import (
	"strings"
	"testing"
)

// What is encoded is ASCII without spaces, and decodes to what it was.
func FuzzXtext(f *testing.F) {
	for _, s := range []string{"", "a+b=c", "\x00\x7f\xff ", "ü", "rfc822;a b@c", "utf-8;ü\\@c", "X400;c=de"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		xtext := string(AppendXtext(nil, s))
		if got, ok := DecodeXtext(xtext); ok != (ASCII(s) == s) || ok && got != s {
			t.Fatalf("%q gives %q, which gives %q, %t", s, xtext, got, ok)
		}
		orcpt := string(AppendORCPT(nil, s))
		for _, out := range []string{xtext, orcpt} {
			if strings.ContainsFunc(out, func(r rune) bool { return r <= ' ' || r > '~' || r == '=' }) {
				t.Fatalf("%q gives %q", s, out)
			}
		}
		kind, addr, ok := strings.Cut(s, ";")
		if !ok {
			kind, addr = "rfc822", s
		}
		if !IsASCII(addr) {
			kind = "utf-8"
		}
		if !isAtom(kind) || strings.ContainsAny(kind, "+=") || !IsText(addr) || addr == "" || len(orcpt) > 500 {
			return
		}
		if got, ok := ParseORCPT(orcpt); !ok || got != strings.ToLower(kind)+";"+addr {
			t.Fatalf("%q gives %q, which gives %q, %t", s, orcpt, got, ok)
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
		if got := string(AppendORCPT(nil, tt.in)); got != tt.want {
			t.Errorf("AppendORCPT(%q) = %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestParseORCPT(t *testing.T) {
	for in, want := range map[string]string{
		"rfc822;a+2Bb@c": "rfc822;a+b@c", "RFC822;x@y": "rfc822;x@y", `utf-8;\x{E4}@c`: "utf-8;ä@c", "utf-8;ä@c": "utf-8;ä@c",
		"rfc822;": "", "a@b": "", "rfc822;a+0Ab": "", "rfc822;a+2bb": "", "rfc822;a+2": "", "rfc822;ä": "", `utf-8;\x{A}`: "", `utf-8;\x{ZZ}`: "", `utf-8;\x{41`: "", "a b;c": "",
	} {
		if got, ok := ParseORCPT(in); ok != (want != "") || ok && got != want {
			t.Errorf("ParseORCPT(%q) = %q, %v", in, got, ok)
		}
	}
}
