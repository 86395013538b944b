package setup

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"relay/cli/kernel"
)

func TestZoneTXT(t *testing.T) {
	for _, s := range []string{"", "v=spf1 -all", `a "b" \c`, strings.Repeat("x", 255), strings.Repeat("y", 256), strings.Repeat("0123456789", 60)} {
		rr, err := dns.NewRR("a.example. 60 IN TXT " + strings.ReplaceAll(zoneTXT(s), "\n", " "))
		if err != nil {
			t.Errorf("%d octets: %v", len(s), err)
			continue
		}
		var got strings.Builder
		for _, part := range rr.(*dns.TXT).Txt {
			if len(part) > longestString {
				t.Errorf("a string of %d octets", len(part))
			}
			got.WriteString(strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(part))
		}
		if got.String() != s {
			t.Errorf("%q came back as %q", s, got.String())
		}
	}
}

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
			dkim: dkimKey{"relay202611", []byte(strings.Repeat("k", 294))}}
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
