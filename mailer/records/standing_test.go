package records

import (
	"net/netip"
	"testing"
)

func TestStand(t *testing.T) {
	for name, c := range map[string]struct {
		zone zone
		host string
		want Standing
		bad  bool
	}{
		"in order":              {good, "relay.example", Standing{Policy: "reject", Organization: "shop.example", SPF: true, SPFKnown: true}, false},
		"a smarthost":           {good, "", Standing{Policy: "reject", Organization: "shop.example"}, false},
		"SPF without us":        {with("shop.example TXT v=spf1 ip4:198.51.100.1 -all"), "relay.example", Standing{Policy: "reject", Organization: "shop.example", SPFKnown: true}, false},
		"one address of two":    {append(with(), "relay.example A 192.0.2.11"), "relay.example", Standing{Policy: "reject", Organization: "shop.example", SPFKnown: true}, false},
		"no SPF":                {with("shop.example MX mx.shop.example"), "relay.example", Standing{Policy: "reject", Organization: "shop.example", SPFKnown: true}, false},
		"a host without a name": {with("relay.example"), "relay.example", Standing{Policy: "reject", Organization: "shop.example"}, false},
		"a test":                {with("_dmarc.shop.example TXT v=DMARC1; p=reject; t=y"), "", Standing{Policy: "quarantine", Organization: "shop.example"}, false},
		"a milder test":         {with("_dmarc.shop.example TXT v=DMARC1; p=quarantine; t=y"), "", Standing{Policy: "none", Organization: "shop.example"}, false},
		"strict":                {with("_dmarc.shop.example TXT v=DMARC1; p=none; adkim=s; aspf=S"), "", Standing{Policy: "none", Organization: "shop.example", StrictDKIM: true, StrictSPF: true}, false},
		"no DMARC":              {with("_dmarc.shop.example"), "", Standing{Organization: "shop.example"}, false},
		"no domain":             {zone{"relay.example A 192.0.2.10"}, "relay.example", Standing{Organization: "shop.example", SPFKnown: true}, false},
		"DMARC does not answer": {with("_dmarc.shop.example DOWN"), "", Standing{}, true},
		"SPF does not answer":   {with("shop.example DOWN"), "relay.example", Standing{Policy: "reject", Organization: "shop.example"}, true},
	} {
		got, err := Stand(t.Context(), c.zone, "shop.example", c.host)
		if got != c.want || (err != nil) != c.bad {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, c.want)
		}
	}
}

// Sources count in place of the host's own address.
func TestStand_sources(t *testing.T) {
	z := append(with("shop.example TXT v=spf1 ip4:198.51.100.0/24 -all"), "relay.example A 192.0.2.10")
	in, out := netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("203.0.113.7")
	for _, c := range []struct {
		sources []netip.Addr
		want    bool
	}{{nil, false}, {[]netip.Addr{in}, true}, {[]netip.Addr{in, out}, false}} {
		if got, err := Stand(t.Context(), z, "shop.example", "relay.example", c.sources...); err != nil || got.SPF != c.want || !got.SPFKnown {
			t.Errorf("%v: %+v, %v", c.sources, got, err)
		}
	}
}
