package mailsyntax

import (
	"strings"
	"testing"

	"relay/store/maildomain"
)

func TestParsePath(t *testing.T) {
	long := strings.Repeat("l", 64)
	label := strings.Repeat("d", 63)
	for _, c := range []struct{ in, addr, domain, rest, why string }{
		{in: "<a@b.example>", addr: "a@b.example", domain: "b.example"},
		{in: "<a@B.Example> SIZE=1", addr: "a@B.Example", domain: "b.example", rest: " SIZE=1"},
		{in: "a@b.example SIZE=1", addr: "a@b.example", domain: "b.example", rest: " SIZE=1"},
		{in: "<>", rest: ""},
		{in: "<> RET=FULL", rest: " RET=FULL"},
		{in: `<"a b"@c>`, addr: `"a b"@c`, domain: "c"},
		{in: `<"a\"b\\"@c>`, addr: `"a\"b\\"@c`, domain: "c"},
		{in: `<"a\b"@c>`, addr: "ab@c", domain: "c"},
		{in: `<"a.b"@c>`, addr: "a.b@c", domain: "c"},
		{in: `<"a..b"@c>`, addr: `"a..b"@c`, domain: "c"},
		{in: "<a..b@c>", addr: `"a..b"@c`, domain: "c"},
		{in: "<..a.@b>", addr: `"..a."@b`, domain: "b"},
		{in: "a.@b X=Y", addr: `"a."@b`, domain: "b", rest: " X=Y"},
		{in: "a@b\tX=Y", addr: "a@b", domain: "b", rest: "\tX=Y"},
		{in: `<"a@b"@c>`, addr: `"a@b"@c`, domain: "c"},
		{in: `<"x> NOTIFY=NEVER foo"@b.example>`, addr: `"x> NOTIFY=NEVER foo"@b.example`, domain: "b.example"},
		{in: "<@x.example,@y.example:a@b.example>", addr: "a@b.example", domain: "b.example"},
		{in: "<a@[192.0.2.1]>", addr: "a@[192.0.2.1]", domain: "[192.0.2.1]"},
		{in: "<a@[ipv6:2001:DB8:0:0::1]>", addr: "a@[IPv6:2001:db8::1]", domain: "[IPv6:2001:db8::1]"},
		{in: "<a@under_score.example>", addr: "a@under_score.example", domain: "under_score.example"},
		{in: "<a@bücher.example>", addr: "a@xn--bcher-kva.example", domain: "xn--bcher-kva.example"},
		{in: "<ä@bücher.example>", addr: "ä@bücher.example", domain: "xn--bcher-kva.example"},
		{in: "<a@xn--bcher-kva.example>", addr: "a@xn--bcher-kva.example", domain: "xn--bcher-kva.example"},
		{in: "<" + long + "@b>", addr: long + "@b", domain: "b"},
		{in: "<!#$%&'*+-/=?^_`{|}~@b>", addr: "!#$%&'*+-/=?^_`{|}~@b", domain: "b"},

		{in: "<postmaster>", why: NoDomain},
		{in: "<" + long + "l@b>", why: "local part too long"},
		{in: "<a@" + label + "d>", why: "bad domain"},
		{in: "<" + long + "@" + label + "." + label + "." + label + ">", why: "too long"},
		{in: "<a@b@c>", why: "bad domain"},
		{in: "<a@b<c>", why: "bad domain"},
		{in: "<a@b..example>", why: "bad domain"},
		{in: "<a@b.example.>", why: "bad domain"},
		{in: "<a@-b.example>", why: "bad domain"},
		{in: "<a@192.0.2.1>", why: "bad domain"},
		{in: "<a@[192.0.2]>", why: "bad domain"},
		{in: "<a@[2001:db8::1]>", why: "bad domain"},
		{in: "<a@[IPv6:192.0.2.1]>", why: "bad domain"},
		{in: "<a@[IPv6:fe80::1%eth0]>", why: "bad domain"},
		{in: "<a@[x", why: "bad domain"},
		{in: "<a@>", why: "bad domain"},
		{in: "<a@b", why: "no > at its end"},
		{in: "<a@b c>", why: "no > at its end"},
		{in: "<..a(.@b>", why: "bad local part"},
		{in: "<@b>", why: "bad source route"},
		{in: "<@b,:a@c>", why: "bad source route"},
		{in: "<a(c)@b>", why: "bad local part"},
		{in: "<a b@c>", why: "bad local part"},
		{in: "<a\x00@b>", why: "bad local part"},
		{in: "<a@b\x00.example>", why: "bad domain"},
		{in: "<\"a\r\nb\"@c>", why: "bad quoted local part"},
		{in: "<\"a\\\nb\"@c>", why: "bad quoted local part"},
		{in: `<""@c>`, why: "empty local part"},
		{in: `<"a@c>`, why: "bad quoted local part"},
		{in: "<\xff@b>", why: "not UTF-8"},
		{in: "<a@\xff.example>", why: "bad domain"},
		{in: "<a@xn--zzzzzzzz99999.example>", why: "bad domain"},
		{in: "", why: "bad local part"},
	} {
		p, rest, why := ParsePath(c.in)
		if why != c.why || why == "" && (p.Addr != c.addr || p.Domain != c.domain || rest != c.rest) {
			t.Errorf("ParsePath(%q) = %+v, %q, %q", c.in, p, rest, why)
		}
	}
}

func TestParseReversePath(t *testing.T) {
	for in, want := range map[string]string{
		"<scan@192.168.1.5>": "scan@[192.168.1.5]", "<scan@[192.168.1.5]>": "scan@[192.168.1.5]", "scan@10.0.0.1 SIZE=1": "scan@[10.0.0.1]",
		"<scan@2001:DB8::1>": "scan@[IPv6:2001:db8::1]", "<scan@fe80::1%eth0>": "", "<scan@192.168.1>": "", "<scan@192.168.1.256>": "",
		"<>": "", "<a@b.example>": "a@b.example", "<a@bücher.example>": "a@xn--bcher-kva.example",
	} {
		if p, _, _ := ParseReversePath(in); p.Addr != want {
			t.Errorf("ParseReversePath(%q) = %q, want %q", in, p.Addr, want)
		}
	}
}

// What comes out of the parser must parse to itself and be safe in a command.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"<a@b.example>", `<"a b"@c> X=Y`, "<@r:a@b>", "<ä@bücher.example>", "<a@[IPv6:::1]>", "a@b", "<>", "<\"\\\"\"@b>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, _, why := ParsePath(s)
		if why != "" || p.Addr == "" {
			return
		}
		if strings.ContainsAny(p.Addr, "\r\n\x00") || len(p.Addr) > maxPath {
			t.Fatalf("%q gives %q", s, p.Addr)
		}
		again, rest, why := ParsePath("<" + p.Addr + ">")
		if why != "" || rest != "" || again.Addr != p.Addr || again.Domain != p.Domain {
			t.Fatalf("%q gives %+v, which gives %+v %q %q", s, p, again, rest, why)
		}
		if p.Domain[0] != '[' && (!IsASCII(p.Domain) || p.Domain != strings.ToLower(p.Domain) || !maildomain.IsName(p.Domain)) {
			t.Fatalf("%q gives the domain %q", s, p.Domain)
		}
	})
}

func TestWellFormed(t *testing.T) {
	for _, a := range []string{"a@b.example", `"a b"@c`, `"a\"b"@c`, `"<>"@c`, "ü@b", "a@[192.0.2.1]", "a@[IPv6:::1]", "postmaster", `"@"@b`} {
		if !WellFormed(a) {
			t.Errorf("WellFormed(%q) = false", a)
		}
	}
	for _, a := range []string{"", "a b@c", "a>b@c", "<a@b", `a"b"@c`, `"a@c`, `"a"b@c`, "a\r\nb@c", "a\x00@b", "a@b\x7f", `"a\`, "\"a\r\n\"@b", "\xff@b", `a\ b@c`} {
		if WellFormed(a) {
			t.Errorf("WellFormed(%q) = true", a)
		}
	}
}
