package asked

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// Whoever can prove a domain of his own is not taken for the contact, however he writes the
// author; nor is a mail that the contact signed, with something put in front.
func TestDesk_author(t *testing.T) {
	for _, from := range []string{
		"From: \"boss@acme.example\" <eve@evil.example>",
		"From: =?utf-8?q?boss=40acme.example?= <eve@evil.example>",
		"From: boss@acme.example <eve@evil.example>",
		"From: <boss@acme.example> <eve@evil.example>",
		"From: boss@acme.example, eve@evil.example",
		"From: eve@evil.example, boss@acme.example",
		"From: eve@evil.example, Team: boss@acme.example;",
		"From: Team: boss@acme.example, eve@evil.example;",
		"From: Team: boss@acme.example;",
		"From: boss@acme.example\r\nFrom: eve@evil.example",
		"From: eve@evil.example\r\nFrom: boss@acme.example",
		"From: eve@evil.example\r\nfrom : boss@acme.example",
		"From : boss@acme.example\r\nFrom: eve@evil.example",
		"From: eve@evil.example\r\nSender: boss@acme.example\r\nReply-To: boss@acme.example",
		"From: eve@evil.example (boss@acme.example)",
		"From: boss@acme.example (eve@evil.example)",
		"From: boss@acme.example@evil.example",
		"From: \"boss@acme.example\"@evil.example",
		"From: boss@acme.example.evil.example",
		"From: <@evil.example:boss@acme.example>",
		"From: boss@acme.example\x00@evil.example",
		"From: boss@acme.example.",
		"From:\r\n boss@acme.example",
	} {
		w := open(t)
		w.zone["evil.example"], w.zone["_dmarc.evil.example"] = "v=spf1 ip4:203.0.113.5 -all", "v=DMARC1; p=none; aspf=r; adkim=r"
		in := outside("errors", "eve@evil.example")
		in.Remote, in.Helo = netip.MustParseAddrPort("203.0.113.5:4000"), "acme.example"
		text := from + "\r\nTo: errors@relay.example\r\nSubject: acme\r\n\r\nlist\r\n"
		if to, _, err := w.ask(in, text); err != nil || len(to) > 0 {
			t.Errorf("%q is answered, to %q, %v", from, to, err)
		}
	}
	for _, more := range []string{"From: eve@evil.example\r\n", "From: Boss <boss@acme.example>\r\n", "To: errors@relay.example\r\n"} {
		w := open(t)
		in := outside("errors", "eve@evil.example")
		in.Remote = netip.MustParseAddrPort("203.0.113.5:4000")
		text := more + signed(t, fmt.Sprintf(letter, "errors", "acme"))
		if to, _, err := w.ask(in, text); err != nil || len(to) > 0 {
			t.Errorf("with %q in front it is answered, to %q, %v", more, to, err)
		}
		text = strings.Replace(signed(t, fmt.Sprintf(letter, "errors", "acme")), "DKIM-Signature: ", "DKIM-Signature: l=0; ", 1)
		if to, _, err := w.ask(in, text); err != nil || len(to) > 0 {
			t.Errorf("with a signature of no body it is answered, to %q, %v", to, err)
		}
	}
}
