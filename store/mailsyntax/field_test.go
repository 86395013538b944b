package mailsyntax

import (
	"net/mail"
	"strings"
	"testing"
)

func TestSplitField(t *testing.T) {
	for _, c := range []struct {
		in, name, value string
		ok              bool
	}{
		{"Subject: a: b", "Subject", " a: b", true},
		{"Subject \t:x", "Subject", "x", true},
		{"X-ü:x", "X-ü", "x", true},
		{"Empty:", "Empty", "", true},
		{":x", "", "x", false},
		{"no field", "no field", "", false},
		{"two words: x", "two words", " x", false},
		{" folded: x", " folded", " x", false},
		{"a\x7fb: x", "a\x7fb", " x", false},
		{"", "", "", false},
	} {
		name, value, ok := SplitField([]byte(c.in))
		if ok != c.ok || ok && (string(name) != c.name || string(value) != c.value) {
			t.Errorf("SplitField(%q) = %q, %q, %t", c.in, name, value, ok)
		}
	}
}

func TestFieldIs(t *testing.T) {
	for name, want := range map[string]bool{"message-id": true, "Message-ID": true, "MESSAGE-ID": true, "message_id": false, "message-i": false, "message-idx": false, "": false} {
		if FieldIs([]byte(name), "message-id") != want {
			t.Errorf("FieldIs(%q) is not %t", name, want)
		}
	}
}

func TestAppendField(t *testing.T) {
	word := strings.Repeat("w", 30)
	for _, c := range []struct{ in, want string }{
		{"", "To:\r\n"},
		{"a", "To: a\r\n"},
		{" a\r\nBcc: b\t\x00c ", "To: a Bcc: b c\r\n"},
		{word + " " + word + " " + word, "To: " + word + " " + word + "\r\n " + word + "\r\n"},
		{strings.Repeat("w", 90) + " x", "To: " + strings.Repeat("w", 90) + "\r\n x\r\n"},
		{strings.Repeat("w", 1000), "To: " + strings.Repeat("w", 900) + "\r\n " + strings.Repeat("w", 100) + "\r\n"},
	} {
		if got := string(AppendField(nil, "To", c.in)); got != c.want {
			t.Errorf("AppendField(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

// Whatever the value is, one field comes of it, in lines that SMTP takes.
func FuzzAppendField(f *testing.F) {
	for _, s := range []string{"a\r\nBcc: b", "\r\n\r\ntext", strings.Repeat("ü", 2000), "\x00\xff", strings.Repeat("a ", 100)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		out := string(AppendField([]byte("Subject: before\r\n"), "X-Field", value))
		for line := range strings.SplitAfterSeq(out, "\r\n") {
			if len(line) > 1000 || strings.ContainsAny(strings.TrimSuffix(line, "\r\n"), "\r\n") {
				t.Fatalf("%q gives the line %q", value, line)
			}
		}
		if len(value) > 10_000 {
			return
		}
		m, err := mail.ReadMessage(strings.NewReader(out + "\r\n"))
		if err != nil || len(m.Header) != 2 || len(m.Header["X-Field"]) != 1 {
			t.Fatalf("%q gives %q, which is read as %v, %v", value, out, m, err)
		}
		words := func(s string) string { return strings.Join(strings.FieldsFunc(s, isGap), "") }
		if got := m.Header["X-Field"][0]; words(got) != words(value) {
			t.Fatalf("%q is read as %q", value, got)
		}
	})
}
