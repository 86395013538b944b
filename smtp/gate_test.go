package smtp

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
)

// Strangers who take every connection leave the last ones to who logged in before,
// and to known networks, directly and through a proxy.
func TestLimits_keptForKnown(t *testing.T) {
	cfg := proxied()
	cfg.Connections = 16
	bubble(t, setup{cfg: cfg, network: "203.0.113.0/24"}, func(t *testing.T, f *fixture) {
		home := f.dial(Implicit, "192.0.2.1")
		home.login()
		home.do("QUIT", "221 ")
		synctest.Wait()
		var all []*client
		take := func(c *client, reply string) {
			t.Helper()
			c.want(reply)
			all = append(all, c)
		}
		for i := range 14 {
			take(f.dial(StartTLS, fmt.Sprintf("198.18.0.%d", i+1)), "220 ")
		}
		take(f.dial(StartTLS, "198.18.1.1"), "421 4.7.0 too many connections: ")
		take(f.through(StartTLS, 2, "198.18.1.2"), "421 4.7.0 too many connections: ")
		take(f.dial(StartTLS, "192.0.2.1"), "220 ")
		take(f.through(StartTLS, 1, "203.0.113.9"), "220 ")
		take(f.dial(StartTLS, "192.0.2.1"), "421 4.7.0 too many connections: ") // not even they have more than all
		for _, c := range all {
			_ = c.conn.Close()
		}
		synctest.Wait()
		if g := f.srv.gate; !g.Empty() {
			t.Errorf("left over: %+v", g)
		}
	})
}

func TestServer_knows(t *testing.T) {
	bubble(t, setup{network: "203.0.113.0/24"}, func(t *testing.T, f *fixture) {
		c := f.dial(Implicit, "2001:db8::1")
		c.login()
		_ = c.conn.Close()
		for addr, want := range map[string]bool{"2001:db8::2": true, "2001:db8:0:1::1": false, "203.0.113.1": true, "127.0.0.1": true, "192.0.2.1": false} {
			if got := f.srv.knows(netip.MustParseAddr(addr)); got != want {
				t.Errorf("knows(%s) = %v", addr, got)
			}
		}
	})
}
