package spf

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"relay/mailer/route"
)

// zone is a resolver of maps; a name that is in none of them does not exist.
type zone struct {
	txt   map[string][]string
	addrs map[string]string
	mx    map[string]string
	ptr   map[string]string
	down  string // this name gets no answer
}

func (z *zone) LookupTXT(_ context.Context, name string) ([]string, error) {
	if name == z.down {
		return nil, errors.New("timeout")
	}
	if list, ok := z.txt[name]; ok {
		return list, nil
	}
	return nil, route.ErrNotFound
}

func (z *zone) LookupAddrs(_ context.Context, name string) (list []netip.Addr, err error) {
	if name == z.down {
		return nil, errors.New("timeout")
	}
	words, ok := z.addrs[name]
	if !ok {
		return nil, route.ErrNotFound
	}
	for w := range strings.FieldsSeq(words) {
		list = append(list, netip.MustParseAddr(w))
	}
	return list, nil
}

func (z *zone) LookupMX(_ context.Context, name string) (list []route.MX, err error) {
	if name == z.down {
		return nil, errors.New("timeout")
	}
	words, ok := z.mx[name]
	if !ok {
		return nil, route.ErrNotFound
	}
	for w := range strings.FieldsSeq(words) {
		list = append(list, route.MX{Preference: 10, Host: w})
	}
	return list, nil
}

func (z *zone) LookupPTR(_ context.Context, a netip.Addr) ([]string, error) {
	if name, ok := z.ptr[a.String()]; ok {
		return []string{name}, nil
	}
	return nil, route.ErrNotFound
}

func TestCheck(t *testing.T) {
	z := &zone{
		txt: map[string][]string{
			"many.example":  {"v=spf1 " + strings.Repeat("a:host.example ", 10) + "-all"},
			"more.example":  {"v=spf1 " + strings.Repeat("a:host.example ", 11) + "-all"},
			"void.example":  {"v=spf1 a:no1.example a:no2.example a:no3.example -all"},
			"void2.example": {"v=spf1 a:no1.example a:no2.example -all"},
			"loop.example":  {"v=spf1 include:loop.example -all"},
			"big.example":   {"v=spf1 mx -all"},
			"other.example": {"google-site-verification=x", "V=SPF1 ip4:198.51.100.0/24 ~all"},
			"bare.example":  {"v=spf10 -all", "hello"},
			"two.example":   {"v=spf1 -all", "v=spf1 +all"},
			"down.example":  {"v=spf1 include:gone.example -all"},
		},
		addrs: map[string]string{"host.example": "192.0.2.10 2001:db8::10", "mx1.example": "203.0.113.5", "mx2.example": "192.0.2.10", "192.0.2.10.allowed.example": "127.0.0.1", "postmaster.of.self.example": "127.0.0.1", "self.example": "192.0.2.10"},
		mx:    map[string]string{"self.example": "mx1.example mx2.example", "big.example": strings.Repeat("mx1.example ", 11)},
		ptr:   map[string]string{"192.0.2.10": "self.example"},
	}
	for _, tt := range []struct {
		domain, record, addr string
		want                 Result
		term, says           string
	}{
		{record: "v=spf1 ip4:192.0.2.10 -all", want: Pass, term: "ip4:192.0.2.10"},
		{record: "v=spf1 ip4:192.0.2.0/24 -all", want: Pass, term: "ip4:192.0.2.0/24"},
		{record: "v=spf1 ip4:192.0.3.0/24 -all", want: Fail, term: "-all"},
		{record: "v=spf1 ip4:192.0.3.0/24 ~all", want: SoftFail, term: "~all"},
		{record: "v=spf1 ip4:192.0.3.0/24 ?all", want: Neutral, term: "?all"},
		{record: "v=spf1 ip4:192.0.3.0/24", want: Neutral},
		{record: "v=spf1", want: Neutral},
		{record: "v=spf1 ip6:2001:db8::/32 -all", addr: "2001:db8::10", want: Pass, term: "ip6:2001:db8::/32"},
		{record: "v=spf1 ip6:2001:db8::/32 -all", want: Fail, term: "-all"},
		{record: "v=spf1 a -all", want: Pass, term: "a"},
		{record: "v=spf1 a:host.example/24 -all", addr: "192.0.2.77", want: Pass, term: "a:host.example/24"},
		{record: "v=spf1 a:host.example//64 -all", addr: "2001:db8::77", want: Pass, term: "a:host.example//64"},
		{record: "v=spf1 a:Host.Example. -all", want: Pass, term: "a:Host.Example."},
		{record: "v=spf1 a:host.example -all", addr: "::ffff:192.0.2.10", want: Pass, term: "a:host.example"},
		{record: "v=spf1 mx -all", want: Pass, term: "mx"},
		{record: "v=spf1 -mx +all", want: Fail, term: "-mx"},
		{record: "v=spf1 include:other.example -all", want: Fail, term: "-all"},
		{record: "v=spf1 include:other.example -all", addr: "198.51.100.9", want: Pass, term: "include:other.example"},
		{record: "v=spf1 redirect=other.example", want: SoftFail, term: "~all"},
		{record: "v=spf1 redirect=other.example", addr: "198.51.100.9", want: Pass, term: "ip4:198.51.100.0/24"},
		{record: "v=spf1 exists:host.example -all", want: Pass, term: "exists:host.example"},
		{record: "v=spf1 ptr exp=why.example -all", want: Pass, term: "ptr"},
		{record: "v=spf1 ptr:other.example -all", want: Fail, term: "-all"},
		{record: "v=spf1 ip4:192.0.2.10 ptr -all", want: Pass, term: "ip4:192.0.2.10"},
		{record: "v=spf1 exists:%{i}.allowed.example -all", want: Pass, term: "exists:%{i}.allowed.example"},
		{record: "v=spf1 exists:%{l}.of.%{d} -all", want: Pass, term: "exists:%{l}.of.%{d}"},
		{record: "v=spf1 exists:%{i}.refused.example -all", want: Fail, term: "-all"},
		{record: "v=spf1 redirect=%{o1}.example", want: PermError, says: "no SPF record"},
		{record: "v=spf1 a redirect=%{d}.example", want: Pass, term: "a"},
		{record: "v=spf1 redirect=other.example a", want: Pass, term: "a"},
		{record: "v=spf1 exists:%{z}.example -all", want: PermError, says: "exists:%{z}.example: invalid macro"},
		{record: "v=spf1 include:none.example -all", want: PermError, says: "include:none.example: there is no SPF record"},
		{record: "v=spf1 ip4:192.0.2.10 ipv4:192.0.2.11 -all", want: PermError, says: "ipv4:192.0.2.11: no mechanism of SPF"},
		{record: "v=spf1 ip4:192.0.2 -all", want: PermError, says: "ip4:192.0.2: invalid ipX value"},
		{record: "v=spf1 a/33 -all", want: PermError, says: "a/33: invalid mask"},
		{record: "v=spf1 a: -all", want: PermError, says: "a:: invalid domain"},
		{record: "v=spf1 redirect=other.example redirect=other.example", want: PermError, says: "redirect=other.example"},
		{domain: "many.example", addr: "198.51.100.1", want: Fail, term: "-all"},
		{domain: "more.example", addr: "198.51.100.1", want: PermError, says: "more than 10"},
		{domain: "void2.example", want: Fail, term: "-all"},
		{domain: "void.example", want: PermError, says: "find nothing"},
		{domain: "loop.example", want: PermError, says: "more than 10"},
		{domain: "big.example", want: PermError, says: "mail hosts"},
		{domain: "bare.example", want: None},
		{domain: "none.example", want: None},
		{domain: "two.example", want: PermError, says: "two.example: more than one SPF record"},
		{domain: "gone.example", want: TempError, says: "does not answer"},
		{domain: "down.example", want: TempError, says: "does not answer"},
	} {
		domain, addr := tt.domain, tt.addr
		z.down = "gone.example"
		if domain == "" {
			domain = "self.example"
			z.txt[domain] = []string{tt.record}
		}
		if addr == "" {
			addr = "192.0.2.10"
		}
		v := Check(t.Context(), z, domain, netip.MustParseAddr(addr))
		if v.Result != tt.want || v.Term != tt.term {
			t.Errorf("Check(%s %q, %s) = %s by %q (%v), want %s by %q", domain, tt.record, addr, v.Result, v.Term, v.Err, tt.want, tt.term)
		}
		if (v.Err != nil) != (tt.says != "") || v.Err != nil && !strings.Contains(v.Err.Error(), tt.says) {
			t.Errorf("Check(%s %q): error %v, want %q", domain, tt.record, v.Err, tt.says)
		}
	}
}
