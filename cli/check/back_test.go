package check

import (
	"fmt"
	"net"
	"net/netip"
	"testing"

	"relay/cli/config"
	"relay/cli/kernel"
	"relay/report/api/act"
)

// The listener for what comes back must greet while relay runs.
func TestEntrance_back(t *testing.T) {
	silent := serveEach(t, "127.0.0.1", func(net.Conn) {})
	e := entrance{look: newLook(t, func(c *config.Config) {
		c.Proxies, c.Bounce.Listen = []string{"127.0.0.0/8"}, []string{silent, "127.0.0.1:0", "systemd:back", "127.0.0.1:1"}
	}), relay: &process{health: &act.Health{Bounce: []act.Listener{{Addr: silent, TLS: "starttls"}, {Addr: silent, TLS: "starttls", Socket: "back"}}}}}
	e.back()
	e.match(t, `^failed port \d+: for what comes back, no greeting: .* → see the relay's log\n`+
		`failed port 0: .* no greeting: .*\nfailed back: .* no greeting: .*\n`+
		`failed port 1: the running relay does not listen on 127.0.0.1:1 for what comes back → start the relay again after a change of \[bounce\]; .*\n$`)
	e.results, e.relay, e.cfg.Bounce.Listen = nil, &process{}, []string{"127.0.0.1:0", "systemd:back"}
	e.back()
	e.match(t, `^ok port 0: for what comes back, 127.0.0.1:0 can be bound.*\nok back: for what comes back, the service manager passes it \(systemd:back\) → \n$`)
}

// The domain of [bounce] must lead here, and let this host send.
func TestRecords_back(t *testing.T) {
	for domain, want := range map[string]string{
		"good.test":  "ok MX: good.test leads to relay.test → \nok SPF: good.test lets this host send → \n",
		"none.test":  "failed MX: none.test has no MX record: nothing comes back → publish none.test. MX 10 relay.test.\n" + `warning SPF: none.test, the sender of mail with --verp, says none of 11.0.0.1 → publish none.test. TXT "v=spf1 include:relay.test -all"` + "\n",
		"other.test": "warning MX: other.test leads to mx.example, not here: what comes back goes there → publish other.test. MX 10 relay.test. Or have that host pass on what comes for relay.\nok SPF: other.test lets this host send → \n",
		"relay.test": "ok MX: relay.test leads to relay.test → \n",
	} {
		l := newLook(t, func(c *config.Config) {
			c.Bounce.Listen, c.Bounce.Domain = []string{":25"}, domain
			c.Delivery.Resolver = nameserver(t,
				"good.test. 60 IN MX 10 relay.test.", `good.test. 60 IN TXT "v=spf1 include:relay.test -all"`,
				"other.test. 60 IN MX 10 mx.example.", `other.test. 60 IN TXT "v=spf1 ip4:11.0.0.1 -all"`,
				`relay.test. 60 IN TXT "v=spf1 ip4:11.0.0.1 -all"`)
		})
		dns, err := l.resolver()
		if err != nil {
			t.Fatal(err)
		}
		a := netip.MustParseAddr("11.0.0.1")
		r := records{look: l, dns: dns, name: "relay.test", own: kernel.Addresses{Outgoing: []netip.Addr{a}}, addrs: []netip.Addr{a}}
		r.back()
		if got := r.text(); got != want {
			t.Errorf("%s", fmt.Sprintf("%s: %s\nwant %s", domain, got, want))
		}
	}
}
