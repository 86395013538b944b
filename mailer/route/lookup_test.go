package route

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func TestDNS_LookupTXT(t *testing.T) {
	d := newDNS(t, serve(t, zone(t, false,
		`a.example. 300 IN TXT "v=spf1 " "-all"`, `a.example. 300 IN TXT "other"`, "none.example. 300 IN A 192.0.2.1")))
	for name, want := range map[string]string{"a.example": "v=spf1 -all|other", "none.example": ""} {
		if texts, err := d.LookupTXT(t.Context(), name); strings.Join(texts, "|") != want || err != nil {
			t.Errorf("LookupTXT(%s) = %q, %v, want %q", name, texts, err, want)
		}
	}
	if _, err := d.LookupTXT(t.Context(), "gone.example"); !errors.Is(err, ErrNotFound) {
		t.Errorf("LookupTXT(gone.example) = %v", err)
	}
}

func TestDNS_LookupPTR(t *testing.T) {
	d := newDNS(t, serve(t, zone(t, false,
		"1.2.0.192.in-addr.arpa. 300 IN CNAME 1.rev.example.", "1.rev.example. 300 IN PTR Mail.A.Example.",
		"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. 300 IN PTR six.example.")))
	for addr, want := range map[string]string{"192.0.2.1": "mail.a.example", "::ffff:192.0.2.1": "mail.a.example", "2001:db8::1": "six.example"} {
		if names, err := d.LookupPTR(t.Context(), netip.MustParseAddr(addr)); strings.Join(names, "|") != want || err != nil {
			t.Errorf("LookupPTR(%s) = %q, %v, want %q", addr, names, err, want)
		}
	}
	if _, err := d.LookupPTR(t.Context(), netip.MustParseAddr("192.0.2.2")); !errors.Is(err, ErrNotFound) {
		t.Errorf("LookupPTR(192.0.2.2) = %v", err)
	}
}
