package smtp

import (
	"strings"
	"testing"

	"relay/store"
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

		{in: "<postmaster>", why: noDomain},
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
		p, rest, why := parsePath(c.in)
		if why != c.why || why == "" && (p.addr != c.addr || p.domain != c.domain || rest != c.rest) {
			t.Errorf("parsePath(%q) = %+v, %q, %q", c.in, p, rest, why)
		}
	}
}

func TestParseReversePath(t *testing.T) {
	for in, want := range map[string]string{
		"<scan@192.168.1.5>": "scan@[192.168.1.5]", "<scan@[192.168.1.5]>": "scan@[192.168.1.5]", "scan@10.0.0.1 SIZE=1": "scan@[10.0.0.1]",
		"<scan@2001:DB8::1>": "scan@[IPv6:2001:db8::1]", "<scan@fe80::1%eth0>": "", "<scan@192.168.1>": "", "<scan@192.168.1.256>": "",
		"<>": "", "<a@b.example>": "a@b.example", "<a@bücher.example>": "a@xn--bcher-kva.example",
	} {
		if p, _, _ := parseReversePath(in); p.addr != want {
			t.Errorf("parseReversePath(%q) = %q, want %q", in, p.addr, want)
		}
	}
}

// What comes out of the parser must parse to itself and be safe in a command.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"<a@b.example>", `<"a b"@c> X=Y`, "<@r:a@b>", "<ä@bücher.example>", "<a@[IPv6:::1]>", "a@b", "<>", "<\"\\\"\"@b>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, _, why := parsePath(s)
		if why != "" || p.addr == "" {
			return
		}
		if strings.ContainsAny(p.addr, "\r\n\x00") || len(p.addr) > maxPath {
			t.Fatalf("%q gives %q", s, p.addr)
		}
		again, rest, why := parsePath("<" + p.addr + ">")
		if why != "" || rest != "" || again.addr != p.addr || again.domain != p.domain {
			t.Fatalf("%q gives %+v, which gives %+v %q %q", s, p, again, rest, why)
		}
		if p.domain[0] != '[' && (!isASCII(p.domain) || p.domain != strings.ToLower(p.domain) || !maildomain.IsName(p.domain)) {
			t.Fatalf("%q gives the domain %q", s, p.domain)
		}
	})
}

func TestParams(t *testing.T) {
	for in, want := range map[string]store.Notify{
		"NEVER": store.NotifyNever, "success,DELAY": store.NotifySuccess | store.NotifyDelay,
		"NEVER,DELAY": 0, "": 0, "SUCCESS,": 0, "FOO": 0,
	} {
		if got, ok := parseNotify(in); ok != (want != 0) || ok && got != want {
			t.Errorf("parseNotify(%q) = %v, %v", in, got, ok)
		}
	}
	for in, want := range map[string]string{
		"rfc822;a+2Bb@c": "rfc822;a+b@c", "RFC822;x@y": "rfc822;x@y", `utf-8;\x{E4}@c`: "utf-8;ä@c", "utf-8;ä@c": "utf-8;ä@c",
		"rfc822;": "", "a@b": "", "rfc822;a+0Ab": "", "rfc822;a+2bb": "", "rfc822;a+2": "", "rfc822;ä": "", `utf-8;\x{A}`: "", `utf-8;\x{ZZ}`: "", `utf-8;\x{41`: "", "a b;c": "",
	} {
		if got, ok := parseORCPT(in); ok != (want != "") || ok && got != want {
			t.Errorf("parseORCPT(%q) = %q, %v", in, got, ok)
		}
	}
}
