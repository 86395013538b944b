package setup

import (
	"encoding/base64"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"relay/cli/kernel"
)

// The zone file loads in a name server as it is, with a TTL of its own; what init does
// not know is left out of it until somebody fills it in.
func TestInstallation_zoneText(t *testing.T) {
	public := []netip.Addr{netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("2001:db8::10")}
	for name, c := range map[string]struct {
		own       kernel.Addresses
		smarthost string
		want      string
	}{
		"public":    {kernel.Addresses{Outgoing: public}, "", "A AAAA TXT TXT TXT "},
		"NAT":       {kernel.Addresses{NAT: true}, "", "TXT TXT "},
		"smarthost": {kernel.Addresses{Outgoing: public[:1]}, "smart.example.net:587", "A TXT TXT "},
	} {
		s := &installation{host: "smtp.example.org", contact: "postmaster@example.org", own: c.own,
			dkim: dkimKey{"relay202611", "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 294)))}}
		s.cfg.Delivery.Smarthost = c.smarthost
		z, kinds := dns.NewZoneParser(strings.NewReader(s.zoneText()), ".", ""), ""
		for rr, ok := z.Next(); ok; rr, ok = z.Next() {
			kinds += dns.TypeToString[rr.Header().Rrtype] + " "
			if rr.Header().Ttl != zoneTTL || strings.Contains(rr.String(), unknownWord) {
				t.Errorf("%s: %s", name, rr)
			}
		}
		if err := z.Err(); err != nil || kinds != c.want {
			t.Errorf("%s: records %s, %v\n%s", name, kinds, err, s.zoneText())
		}
	}
}

// Where relay takes what comes back, its own records lead to it, and name it as a sender.
func TestInstallation_recordsBack(t *testing.T) {
	s := &installation{host: "smtp.example.org", own: kernel.Addresses{Outgoing: []netip.Addr{netip.MustParseAddr("192.0.2.10")}}}
	s.cfg.Hostname, s.cfg.Bounce.Listen, s.cfg.Bounce.Domain = s.host, []string{":25"}, "bounce.example.org"
	text := s.zoneText()
	for _, want := range []string{"smtp.example.org.\tIN\tMX\t10 smtp.example.org.", "bounce.example.org.\tIN\tMX\t10 smtp.example.org.", `bounce.example.org.	IN	TXT	"v=spf1 include:smtp.example.org -all"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
