package guard

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"relay/smtp/wire"
)

// A network is banned at its multiple of a large limit too.
func TestGuard_networkLimit(t *testing.T) {
	g, cfg, now := newGuard(), &Limits{PerAddress: 100, BanTime: time.Hour}, time.Now()
	for i := range 16*100 - 1 { // from 32 of its /56, 50 each
		from := wire.Site(netip.MustParseAddr(fmt.Sprintf("2001:db8:0:%02x00::1", i%32)))
		if _, bans := g.failedFrom(cfg, from, mark(fmt.Sprint(i)), now); bans != nil {
			t.Fatalf("after %d: %v", i+1, bans)
		}
	}
	_, bans := g.failedFrom(cfg, wire.Site(netip.MustParseAddr("2001:db8:0:ff00::1")), mark("last"), now)
	if len(bans) != 1 || bans[0].Network.String() != "2001:db8::/48" {
		t.Errorf("bans %v, want its /48", bans)
	}
}

func TestNameKey(t *testing.T) {
	for in, want := range map[string]string{
		"acme":                      "acme",
		"a\x1b[31m\r\nb":            "a?[31m??b",
		strings.Repeat("x", 64):     strings.Repeat("x", 64),
		strings.Repeat("x", 5000):   strings.Repeat("x", 64) + "...",
		strings.Repeat("päß", 5000): "",
	} {
		if got := nameKey(in); got != want && want != "" || len(got) > maxName+3 {
			t.Errorf("nameKey(%.20q) = %q", in, got)
		}
	}
}

// Addresses come before names, each in order.
func TestGuard_bansInOrder(t *testing.T) {
	g := newGuard()
	cfg := Limits{PerAddress: 1, PerLogin: 1, BanTime: time.Hour}
	for _, a := range []string{"198.51.100.7", "192.0.2.1", "2001:db8::1"} {
		g.failed(&cfg, "u"+a, wire.Site(netip.MustParseAddr(a)), mark(a))
	}
	var got []string
	for _, b := range g.Bans() {
		got = append(got, b.Login+b.Network.String())
	}
	want := []string{"192.0.2.1/32", "198.51.100.7/32", "2001:db8::/64", "u192.0.2.1invalid Prefix", "u198.51.100.7invalid Prefix", "u2001:db8::1invalid Prefix"}
	if !slices.Equal(got, want) {
		t.Errorf("bans %q", got)
	}
}
