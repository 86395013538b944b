package maildomain

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	long := strings.Repeat(strings.Repeat("a", 62)+".", 4) // 252 octets
	for in, want := range map[string]string{
		"Example.COM":            "example.com",
		"a_b.example":            "a_b.example", // seen in the wild
		"localhost":              "localhost",
		"Bücher.example":         "xn--bcher-kva.example",
		"XN--BCHER-KVA.example":  "xn--bcher-kva.example",
		"bücher。example":         "xn--bcher-kva.example", // an ideographic full stop is a dot
		"[192.0.2.1]":            "[192.0.2.1]",
		"[ipv6:2001:DB8::1]":     "[IPv6:2001:db8::1]",
		long + "a":               long + "a",
		long + "aa":              "",
		strings.Repeat("a", 64):  "",
		"":                       "",
		".":                      "",
		"a..example":             "",
		"example.com.":           "",
		"-a.example":             "",
		"a-.example":             "",
		"a b.example":            "",
		"192.0.2.1":              "", // an address without its brackets
		"[192.0.2.1":             "",
		"[2001:db8::1]":          "",
		"[IPv6:fe80::1%eth0]":    "",
		"[IPv6:192.0.2.1]":       "",
		"\xff.example":           "",
		"xn--zzzzzzzz99999.test": "",
	} {
		wire, ascii, ok := Parse(in)
		if ascii != want && ok || ok != (want != "") {
			t.Errorf("Parse(%q) = %q, %q, %v, not %q", in, wire, ascii, ok, want)
		}
		if again, _, _ := Parse(wire); ok && again != wire {
			t.Errorf("Parse(%q) gives %q on the wire, which gives %q", in, wire, again)
		}
	}
}

func TestMailbox(t *testing.T) {
	for address, want := range map[string]string{
		"Ann@Example.ORG": "ann@example.org", "a@bücher.test": "a@xn--bcher-kva.test", `"A@b"@c.test`: `"a@b"@c.test`,
		"A@[192.0.2.1]": "a@[192.0.2.1]",
	} {
		if is, ok := Mailbox(address); is != want || !ok {
			t.Errorf("Mailbox(%q) = %q, %t, want %q", address, is, ok, want)
		}
	}
	for _, address := range []string{"", "a", "@a.test", "a@", "a@b@"} {
		if is, ok := Mailbox(address); ok {
			t.Errorf("Mailbox(%q) = %q", address, is)
		}
	}
}
