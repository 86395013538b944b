package route

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"relay/mailer/client"
)

// records is a resolver. "mx a.example" is preferences and hosts, "addr
// mx.example" addresses; "error" is an error, and what is not there does not exist.
type records map[string]string

var errServfail = errors.New("SERVFAIL")

func (r records) LookupMX(_ context.Context, domain string) ([]MX, error) {
	s, ok := r["mx "+domain]
	if !ok {
		if _, ok := r["addr "+domain]; ok {
			return nil, nil
		}
		return nil, ErrNotFound
	}
	if s == "error" {
		return nil, errServfail
	}
	var mxs []MX
	for _, f := range strings.Fields(s) {
		pref, host, _ := strings.Cut(f, ":")
		if host == "." {
			host = ""
		}
		mxs = append(mxs, MX{Preference: uint16(pref[0] - '0'), Host: host})
	}
	return mxs, nil
}

func (r records) LookupAddrs(_ context.Context, host string) ([]netip.Addr, error) {
	s, ok := r["addr "+host]
	if !ok {
		return nil, ErrNotFound
	}
	if s == "error" {
		return nil, errServfail
	}
	var addrs []netip.Addr
	for _, f := range strings.Fields(s) {
		addrs = append(addrs, netip.MustParseAddr(f))
	}
	return addrs, nil
}

// way is a path on one line.
func way(p *Path) string {
	var s []string
	for _, h := range p.Hosts {
		s = append(s, h.Name+"="+addrNames(h.Addrs))
	}
	return p.Site + " | " + strings.Join(s, " ")
}

var world = records{
	"mx a.example":        "1:mx1.example 2:mx2.example",
	"mx b.example":        "2:mx1.example 1:mx2.example 1:mx2.example",
	"mx null.example":     "0:.",
	"mx nullish.example":  "0:. 1:mx1.example",
	"mx servfail.example": "error",
	"mx half.example":     "1:broken.example 2:mx1.example 3:gone.example",
	"mx broken.example":   "1:broken.example 2:gone.example",
	"mx gonemx.example":   "1:gone.example",
	"mx noaddr.example":   "1:noaddr-host.example",
	"mx bad.example":      "1:11.0.2.1_x! 1:a..b",
	"mx private.example":  "1:private-host.example",
	"mx partly.example":   "1:private-host.example 2:mx1.example",
	"mx best.example":     "1:us.example 2:mx1.example",
	"mx middle.example":   "1:mx1.example 2:us.example 2:mx2.example 3:mx3.example",
	"mx behind.example":   "1:mx1.example 2:ours-too.example 3:mx2.example",
	"mx nated.example":    "1:ours-too.example",

	"addr plain.example":        "11.0.2.80",
	"addr mx1.example":          "2a00:db8::1 11.0.2.1",
	"addr mx2.example":          "11.0.2.2",
	"addr mx3.example":          "11.0.2.3",
	"addr broken.example":       "error",
	"addr noaddr-host.example":  "",
	"addr private-host.example": "10.0.0.1 ::1 fe80::1 169.254.0.1 0.0.0.0 100.64.1.1 ::ffff:127.0.0.1",
	"addr ours-too.example":     "11.0.3.7",
	"addr us.example":           "11.0.3.7",
	"addr smart.example":        "10.0.0.25",
	"addr smart-broken.example": "error",
}

func TestRouter_Route(t *testing.T) {
	r, err := New(Config{Resolver: world, Hostname: "Us.Example.", Self: []netip.Addr{netip.MustParseAddr("11.0.3.7")}})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ domain, want string }{
		{"a.example", "mx1.example,mx2.example | mx1.example=11.0.2.1, 2a00:db8::1 mx2.example=11.0.2.2"},
		{"A.Example.", "mx1.example,mx2.example | mx1.example=11.0.2.1, 2a00:db8::1 mx2.example=11.0.2.2"},
		{"b.example", "mx1.example,mx2.example | mx2.example=11.0.2.2 mx1.example=11.0.2.1, 2a00:db8::1"},
		{"plain.example", "plain.example | plain.example=11.0.2.80"},
		{"nullish.example", "mx1.example | mx1.example=11.0.2.1, 2a00:db8::1"},
		{"half.example", "broken.example,gone.example,mx1.example | mx1.example=11.0.2.1, 2a00:db8::1"},
		{"partly.example", "mx1.example,private-host.example | mx1.example=11.0.2.1, 2a00:db8::1"},
		{"middle.example", "mx1.example,mx2.example,mx3.example,us.example | mx1.example=11.0.2.1, 2a00:db8::1"},
		{"behind.example", "mx1.example,mx2.example,ours-too.example | mx1.example=11.0.2.1, 2a00:db8::1"},
		{"[11.0.2.9]", "[11.0.2.9] | [11.0.2.9]=11.0.2.9"},
		{"[IPv6:2a00:db8::9]", "[ipv6:2a00:db8::9] | [ipv6:2a00:db8::9]=2a00:db8::9"},
	}
	for _, tt := range tests {
		p, err := r.Route(t.Context(), tt.domain)
		if err != nil {
			t.Errorf("Route(%s) = %v", tt.domain, err)
		} else if got := way(p); got != tt.want || p.Port != 25 || p.Fixed {
			t.Errorf("Route(%s) = %s, want %s", tt.domain, got, tt.want)
		}
	}
}

func TestRouter_Route_errors(t *testing.T) {
	r, err := New(Config{Resolver: world, Hostname: "us.example", Self: []netip.Addr{netip.MustParseAddr("11.0.3.7")}})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		domain             string
		status             string
		permanent, confirm bool
	}{
		{"nxdomain.example", "5.1.2", true, true},
		{"null.example", "5.1.10", true, false},
		{"servfail.example", "4.4.3", false, false},
		{"broken.example", "4.4.3", false, false},
		{"gonemx.example", "5.4.4", true, true},
		{"noaddr.example", "5.4.4", true, false},
		{"bad.example", "5.4.4", true, true},
		{"private.example", "5.4.4", true, false},
		{"best.example", "5.4.6", true, false},
		{"nated.example", "5.4.6", true, false},
		{"a..example", "5.1.2", true, false},
		{"a b.example", "5.1.2", true, false},
		{"", "5.1.2", true, false},
		{strings.Repeat("a", 64) + ".example", "5.1.2", true, false},
		{"[11.0.2.9", "5.1.2", true, false},
		{"[2a00:db8::9]", "5.1.2", true, false},
		{"[IPv6:11.0.2.1]", "5.1.2", true, false},
		{"[x]", "5.1.2", true, false},
		{"[127.0.0.1]", "5.4.4", true, false},
		{"[IPv6:::1]", "5.4.4", true, false},
		{"[11.0.3.7]", "5.4.6", true, false},
		{"[IPv6:::ffff:11.0.3.7]", "5.4.6", true, false},
		{"[IPv6:::ffff:10.0.0.1]", "5.4.4", true, false},
	}
	for _, tt := range tests {
		p, err := r.Route(t.Context(), tt.domain)
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Status != tt.status || e.Permanent != tt.permanent || e.Confirm != tt.confirm {
			t.Errorf("Route(%s) = %v, %#v, want %s, permanent %v, confirm %v", tt.domain, p, err, tt.status, tt.permanent, tt.confirm)
		}
	}
}

func TestRouter_Route_allowPrivate(t *testing.T) {
	r, err := New(Config{Resolver: world, AllowPrivate: true, Port: 2525})
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Route(t.Context(), "private.example")
	if err != nil || len(p.Hosts[0].Addrs) != 7 || p.Port != 2525 {
		t.Errorf("Route = %+v, %v", p, err)
	}
	if p, err := r.Route(t.Context(), "[127.0.0.1]"); err != nil || p.Hosts[0].Addrs[0].String() != "127.0.0.1" {
		t.Errorf("Route = %+v, %v", p, err)
	}
}

func TestRouter_Route_static(t *testing.T) {
	auth := &client.Auth{Username: "u", Password: "p"}
	r, err := New(Config{Resolver: world,
		Smarthost: Route{Host: "Smart.example", Port: 587, TLS: client.TLSRequired, Auth: auth},
		Routes: map[string]Route{
			"direct.example":  {},
			"a.example":       {},
			"literal.example": {Host: "[127.0.0.1]", TLS: client.TLSImplicit},
			"broken.example":  {Host: "smart-broken.example"},
			"gone.example":    {Host: "gone.example"},
		}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Route(t.Context(), "anything.example")
	if err != nil || way(p) != "smart.example:587 with STARTTLS as u | smart.example=10.0.0.25" || p.Port != 587 || p.TLS != client.TLSRequired || p.Auth != auth || !p.Fixed {
		t.Errorf("smarthost: %+v, %v", p, err)
	}
	if p, err := r.Route(t.Context(), "[11.0.2.1]"); err != nil || !p.Fixed {
		t.Errorf("address literal over the smarthost: %+v, %v", p, err)
	}
	if p, err := r.Route(t.Context(), "a.example"); err != nil || p.Fixed || p.Site != "mx1.example,mx2.example" {
		t.Errorf("round the smarthost: %+v, %v", p, err)
	}
	if p, err := r.Route(t.Context(), "Literal.example"); err != nil || p.Port != 465 || way(p) != "127.0.0.1:465 with TLS | 127.0.0.1=127.0.0.1" {
		t.Errorf("literal: %+v, %v", p, err)
	}
	for _, domain := range []string{"broken.example", "gone.example"} {
		if _, err := r.Route(t.Context(), domain); !isTemporary(err) {
			t.Errorf("Route(%s) = %v, want a temporary error", domain, err)
		}
	}
}

func isTemporary(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && !e.Permanent
}

func TestNew_refuses(t *testing.T) {
	for name, cfg := range map[string]Config{
		"port":           {Port: 70000},
		"smarthost":      {Smarthost: Route{Host: "a b"}},
		"smarthost port": {Smarthost: Route{Host: "a", Port: -1}},
		"route":          {Routes: map[string]Route{"x.example": {Host: "a..b"}}},
	} {
		cfg.Resolver = world
		if _, err := New(cfg); err == nil {
			t.Errorf("New took a bad %s", name)
		}
	}
}

func TestRouter_Route_context(t *testing.T) {
	d := newDNS(t, serve(t, zone(t, false)))
	r, err := New(Config{Resolver: d})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Route(ctx, "a.example"); !errors.Is(err, context.Canceled) {
		t.Errorf("Route = %v", err)
	}
}

func TestRouter_Route_shufflesEquals(t *testing.T) {
	r, err := New(Config{Resolver: records{"mx a.example": "1:x.example 1:y.example 2:z.example", "addr x.example": "11.0.2.1 11.0.2.2", "addr y.example": "11.0.2.3", "addr z.example": "11.0.2.4"}})
	if err != nil {
		t.Fatal(err)
	}
	hosts, addrs := map[string]bool{}, map[string]bool{}
	for range 200 {
		p, err := r.Route(t.Context(), "a.example")
		if err != nil {
			t.Fatal(err)
		}
		hosts[p.Hosts[0].Name] = true
		for _, h := range p.Hosts {
			if h.Name == "x.example" {
				addrs[h.Addrs[0].String()] = true
			}
		}
		if p.Hosts[2].Name != "z.example" {
			t.Fatalf("order %s", way(p))
		}
	}
	if len(hosts) != 2 || len(addrs) != 2 {
		t.Errorf("first were always %v, %v", hosts, addrs)
	}
}

// Addresses that are not of the internet are no next hops, however they are written.
func TestPublic(t *testing.T) {
	for _, s := range []string{"8.8.8.8", "11.0.2.1", "192.0.3.1", "203.0.114.1", "2a00:1450::1", "2001:200::1", "2001:470::1", "2001:db9::1", "2003::1", "2620::1",
		"::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2a00:1450:0:0:0:5eff:fe00:1"} {
		if !Public(netip.MustParseAddr(s)) {
			t.Errorf("Public(%s) = false", s)
		}
	}
	for kind, list := range map[string]string{
		"loopback, private, link-local": "127.0.0.1 127.9.9.9 10.1.1.1 172.16.0.1 192.168.1.1 169.254.1.1 100.64.0.1 ::1 fe80::1 fe80::1%eth0 fc00::1 fd00::1 fec0::1",
		"unspecified, multicast":        "0.0.0.0 0.1.2.3 224.0.0.1 255.255.255.255 240.0.0.1 :: ff02::1",
		"of protocols and tests":        "192.0.0.8 192.88.99.1 198.18.0.1 198.19.255.255 100::1 100:0:0:1::1 2001:2::1 2001:10::1 2001:20::1 5f00::1 4000::1 e000::1 1::1",
		"documentation":                 "192.0.2.1 198.51.100.1 203.0.113.1 2001:db8::1 2001:db8:ffff::1 3fff::1 3fff:fff::1",
		"IPv4-mapped":                   "::ffff:10.0.0.1 ::ffff:127.0.0.1 ::ffff:192.0.2.1",
		"IPv4-compatible":               "::10.0.0.1 ::8.8.8.8",
		"IPv4-translated (SIIT)":        "::ffff:0:10.0.0.1 ::ffff:0:127.0.0.1 ::ffff:0:8.8.8.8",
		"NAT64":                         "64:ff9b::10.0.0.1 64:ff9b::127.0.0.1 64:ff9b::203.0.113.1 64:ff9b:1::8.8.8.8 64:ff9b:1:fffe::10.0.0.1 64:ff9b:0:1::8.8.8.8",
		"6to4":                          "2002:7f00:1:: 2002:a00:1::1 2002:808:808::1",
		"Teredo":                        "2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:0:a00:1::",
		"ISATAP":                        "fe80::5efe:10.0.0.1 2a00:1450::5efe:10.0.0.1 2a00:1450::200:5efe:8.8.8.8",
	} {
		for s := range strings.FieldsSeq(list) {
			if Public(netip.MustParseAddr(s)) {
				t.Errorf("%s: Public(%s) = true", kind, s)
			}
		}
	}
}

// Nor as the addresses of a mail host, or a literal; and our own address is a loop
// in all its forms.
func TestRouter_Route_embedded(t *testing.T) {
	r, err := New(Config{Resolver: records{
		"mx a.example":   "1:x.example 2:y.example",
		"addr x.example": "::ffff:0:11.0.2.1 2001:0:b00:201:: 2002:b00:201::1 2a00:db8::5efe:11.0.2.1 192.0.2.1",
		"addr y.example": "11.0.2.2",
		"mx us.example":  "1:n.example",
		"addr n.example": "64:ff9b::11.0.3.7",
		"mx us2.example": "1:m.example",
		"addr m.example": "::ffff:11.0.3.7",
		"mx bad.example": "1:x.example",
	}, Self: []netip.Addr{netip.MustParseAddr("::ffff:11.0.3.7")}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Route(t.Context(), "a.example")
	if err != nil || len(p.Hosts) != 1 || p.Hosts[0].Name != "y.example" {
		t.Errorf("Route = %+v, %v", p, err)
	}
	for domain, want := range map[string]string{"us.example": "5.4.6", "us2.example": "5.4.6", "bad.example": "5.4.4",
		"[IPv6:2001:0:b00:201::]": "5.4.4", "[IPv6:::ffff:0:11.0.2.1]": "5.4.4", "[IPv6:64:ff9b::10.0.0.1]": "5.4.4",
		"[192.0.2.1]": "5.4.4", "[IPv6:64:ff9b::11.0.3.7]": "5.4.6"} {
		if _, err := r.Route(t.Context(), domain); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", domain, err, want)
		}
	}
}

// A password goes nowhere that is not proved to be the smarthost.
func TestRouter_Route_login(t *testing.T) {
	auth := &client.Auth{Username: "u", Password: "p"}
	for host, want := range map[string]client.TLSMode{
		"smart.example": client.TLSRequired,
		"10.0.0.25":     client.TLSRequired,
		"127.0.0.1":     client.TLSOpportunistic, // nobody listens in
		"[::1]":         client.TLSOpportunistic,
	} {
		r, err := New(Config{Resolver: world, Smarthost: Route{Host: host, Auth: auth}})
		if err != nil {
			t.Fatal(err)
		}
		if p, err := r.Route(t.Context(), "a.example"); err != nil || p.TLS != want {
			t.Errorf("%s: %+v, %v, want TLS %v", host, p, err, want)
		}
	}
}

// A crowd of MX hosts makes the same site each time, of those that are looked at.
func TestRouter_Route_manyHosts(t *testing.T) {
	crowd := records{}
	var mxs []string
	for i := range 40 {
		host := fmt.Sprintf("mx%02d.example", 39-i)
		mxs = append(mxs, "1:"+host)
		crowd["addr "+host] = "11.0.2.1"
	}
	crowd["mx crowd.example"] = strings.Join(mxs, " ")
	r, err := New(Config{Resolver: crowd})
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		p, err := r.Route(t.Context(), "crowd.example")
		if err != nil || len(p.Hosts) != maxHosts || strings.Count(p.Site, ",") != maxHosts-1 || !strings.HasPrefix(p.Site, "mx00.") {
			t.Fatalf("Route = %+v, %v", p, err)
		}
		for _, h := range p.Hosts {
			if !strings.Contains(p.Site, h.Name) {
				t.Errorf("%s is not of the site %s", h.Name, p.Site)
			}
		}
	}
}
