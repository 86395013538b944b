package route

import (
	"context"
	"slices"
	"testing"

	"github.com/miekg/dns"
)

// signed is a server whose names all are proved, except for those in open.
func signed(t *testing.T, open []string, records ...string) *nameserver {
	answer := zone(t, true, records...)
	return serve(t, func(w dns.ResponseWriter, q, m *dns.Msg) *dns.Msg {
		m = answer(w, q, m)
		m.AuthenticatedData = q.AuthenticatedData && !slices.Contains(open, q.Question[0].Name)
		return m
	})
}

func TestDNS_SecureNames(t *testing.T) {
	d := newDNS(t, signed(t, []string{"open.test.", "in.open.test."},
		"mx.a.test. 60 IN A 192.0.2.1",
		"alias.a.test. 60 IN CNAME mx.a.test.",
		"open.test. 60 IN A 192.0.2.2",
		"out.a.test. 60 IN CNAME open.test.",
		"in.open.test. 60 IN CNAME mx.a.test."))
	for _, c := range []struct {
		host string
		want []string
	}{
		{"mx.a.test", []string{"mx.a.test"}},
		{"alias.a.test", []string{"mx.a.test", "alias.a.test"}},
		{"open.test", nil},
		{"out.a.test", []string{"out.a.test"}}, // the alias is proved, its target is not
		{"in.open.test", nil},
	} {
		got, err := d.SecureNames(context.Background(), c.host)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("SecureNames(%s) = %v, %v, want %v", c.host, got, err, c.want)
		}
	}
}

func TestDNS_SecureMX(t *testing.T) {
	ns := signed(t, []string{"open.test."}, "a.test. 60 IN MX 10 mx.a.test.", "open.test. 60 IN MX 10 mx.a.test.")
	d := newDNS(t, ns)
	for domain, want := range map[string]bool{"a.test": true, "open.test": false, "none.test": true} {
		if got, err := d.SecureMX(context.Background(), domain); got != want || err != nil {
			t.Errorf("SecureMX(%s) = %v, %v", domain, got, err)
		}
	}
}

func TestDNS_LookupTLSA(t *testing.T) {
	d := newDNS(t, signed(t, []string{"_25._tcp.open.test."},
		"_25._tcp.mx.test. 60 IN TLSA 3 1 1 00ff", "_25._tcp.open.test. 60 IN TLSA 3 1 1 00ff",
		"_25._tcp.alias.test. 60 IN CNAME _25._tcp.mx.test."))
	for _, c := range []struct {
		host   string
		n      int
		secure bool
	}{{"mx.test", 1, true}, {"alias.test", 1, true}, {"open.test", 1, false}, {"none.test", 0, true}} {
		list, secure, err := d.LookupTLSA(context.Background(), "_25._tcp."+c.host)
		if len(list) != c.n || secure != c.secure || err != nil {
			t.Errorf("LookupTLSA(%s) = %v, %v, %v", c.host, list, secure, err)
		}
	}
}

// AD of a server that is not on this host means nothing, unless it is trusted.
func TestDNS_trusts(t *testing.T) {
	for server, want := range map[string]bool{"127.0.0.1:53": true, "[::1]:53": true, "127.0.0.53:53": true,
		"192.0.2.1:53": false, "resolver.test:53": false, "localhost:53": false} {
		if got := (&DNS{}).trusts(server); got != want {
			t.Errorf("trusts(%s) = %v", server, got)
		}
	}
	if d := (&DNS{cfg: DNSConfig{Trusted: true}}); !d.trusts("192.0.2.1:53") {
		t.Error("a trusted server is not trusted")
	}
}
