package records

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"relay/mailer/route"
	"relay/store/signing"
)

// zone is a DNS of lines "NAME TYPE VALUE"; a name that is in none of them does not exist.
type zone []string

var errDown = errors.New("timeout")

func (z zone) look(name, kind string) (list []string, err error) {
	err = route.ErrNotFound
	for _, line := range z {
		f := strings.SplitN(line, " ", 3)
		if f[0] != name {
			continue
		}
		if f[1] == "DOWN" {
			return nil, errDown
		}
		if err = nil; f[1] == kind {
			list = append(list, f[2])
		} else if f[1] == "CNAME" {
			return z.look(f[2], kind)
		}
	}
	return list, err
}

func (z zone) LookupTXT(_ context.Context, name string) ([]string, error) { return z.look(name, "TXT") }

func (z zone) LookupCNAME(_ context.Context, name string) (string, error) {
	list, err := z.look(name, "CNAME")
	return strings.Join(list, " "), err
}

func (z zone) LookupAddrs(_ context.Context, name string) (addrs []netip.Addr, err error) {
	list, err := z.look(name, "A")
	for _, a := range list {
		addrs = append(addrs, netip.MustParseAddr(a))
	}
	return addrs, err
}

func (z zone) LookupMX(_ context.Context, name string) (mxs []route.MX, err error) {
	list, err := z.look(name, "MX")
	for _, h := range list {
		mxs = append(mxs, route.MX{Preference: 10, Host: strings.TrimSuffix(h, ".")})
	}
	return mxs, err
}

func (z zone) LookupPTR(context.Context, netip.Addr) ([]string, error) { return nil, route.ErrNotFound }

var domain = &signing.Domain{Name: "shop.example", Account: "shop", Label: "abc"}

var keys = []signing.Key{{Selector: "s1", Public: "AAAA"}, {Selector: "s2", Public: "BBBB"}}

// good is a domain in order.
var good = zone{
	"relay.example A 192.0.2.10",
	"relay.example TXT v=spf1 ip4:192.0.2.10 -all",
	"shop.example TXT v=spf1 include:relay.example -all",
	"shop.example MX mx.shop.example",
	"s1._domainkey.shop.example CNAME abc.s1.relay.example",
	"s2._domainkey.shop.example CNAME abc.s2.relay.example",
	"abc.s1.relay.example TXT v=DKIM1; k=rsa; p=AA AA",
	"abc.s2.relay.example TXT v=DKIM1; k=rsa; p=BBBB",
	"_dmarc.shop.example TXT v=DMARC1; p=reject; np=reject; rua=mailto:a@shop.example",
}

// with is good with other lines of some names.
func with(lines ...string) zone {
	z := slices.Clone(good)
	for _, line := range lines {
		name, _, _ := strings.Cut(line, " ")
		z = slices.DeleteFunc(z, func(l string) bool { return strings.HasPrefix(l, name+" ") })
	}
	return append(slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return !strings.Contains(l, " ") }), z...)
}

func TestCheck(t *testing.T) {
	const cname = "s1._domainkey.shop.example. CNAME abc.s1.relay.example."
	for name, c := range map[string]struct {
		zone   zone
		record string
		want   Status
		says   string // in the detail
		advice string // in what to publish
	}{
		"in order: SPF":         {good, "SPF", OK, "lets relay.example send", ""},
		"in order: DKIM":        {good, "DKIM s2", OK, "waits for its turn", ""},
		"in order: DMARC":       {good, "DMARC", OK, "refuse mail that fails", ""},
		"in order: alignment":   {good, "alignment", OK, "SPF counts too", ""},
		"in order: MX":          {good, "MX", OK, "mx.shop.example", ""},
		"no SPF":                {with("shop.example MX mx.shop.example"), "SPF", Warning, "no SPF record", `shop.example. TXT "v=spf1 include:relay.example ~all"`},
		"SPF without us":        {with("shop.example TXT v=spf1 ip4:198.51.100.1 -all"), "SPF", Warning, "does not let 192.0.2.10 send", "put include:relay.example"},
		"SPF of 11 look-ups":    {with("shop.example TXT v=spf1 " + strings.Repeat("a:relay.example ", 11) + "-all"), "SPF", Failed, "more than 10", "correct"},
		"SPF of 11, us first":   {with("shop.example TXT v=spf1 ip4:192.0.2.10 " + strings.Repeat("a:relay.example ", 11) + "-all"), "SPF", Failed, "more than 10", "correct"},
		"two SPF":               {with("shop.example TXT v=spf1 -all", "shop.example TXT v=spf1 +all"), "SPF", Failed, "more than one", "correct"},
		"SPF does not answer":   {with("shop.example DOWN"), "SPF", Failed, "cannot tell", "later"},
		"no selector":           {with("s1._domainkey.shop.example"), "DKIM s1", Failed, "does not lead", cname},
		"TXT at a selector":     {with("s1._domainkey.shop.example TXT v=DKIM1; p=AAAA"), "DKIM s1", Failed, "take it away", cname},
		"another's label":       {with("s1._domainkey.shop.example CNAME xyz.s1.relay.example"), "DKIM s1", Failed, "leads to xyz.s1", cname},
		"key not published":     {with("abc.s1.relay.example"), "DKIM s1", Warning, "not published yet", "operator"},
		"an older key":          {with("abc.s1.relay.example TXT v=DKIM1; p=CCCC"), "DKIM s1", Warning, "not published yet", "operator"},
		"DKIM does not answer":  {with("s1._domainkey.shop.example DOWN"), "DKIM s1", Failed, "cannot tell", "later"},
		"no DMARC":              {with("_dmarc.shop.example"), "DMARC", Warning, "neither shop.example nor a domain above", "_dmarc.shop.example. TXT"},
		"two DMARC":             {with("_dmarc.shop.example TXT v=DMARC1; p=none", "_dmarc.shop.example TXT v=DMARC1; p=reject"), "DMARC", Warning, "neither", ""},
		"DMARC of the registry": {with("_dmarc.shop.example", "_dmarc.example TXT v=DMARC1; p=reject; sp=quarantine; psd=y"), "DMARC", OK, "record of example asks receivers to treat", ""},
		"DMARC in test":         {with("_dmarc.shop.example TXT v=DMARC1; p=quarantine; t=y; rua=mailto:a@b"), "DMARC", OK, "one step less", ""},
		"DMARC with np":         {with("_dmarc.shop.example TXT v=DMARC1; p=none; np=reject"), "DMARC", OK, "do not exist: reject", "rua"},
		"DMARC with pct":        {with("_dmarc.shop.example TXT v=DMARC1; p=reject; pct=20"), "DMARC", Warning, "for all mail", "pct"},
		"DMARC without p":       {with("_dmarc.shop.example TXT v=DMARC1; rua=mailto:a@b"), "DMARC", OK, "(none)", ""},
		"DMARC of a wrong p":    {with("_dmarc.shop.example TXT v=DMARC1; p=no"), "DMARC", Warning, "counts as none", "p=none"},
		"SPF alone":             {with("s1._domainkey.shop.example", "s2._domainkey.shop.example"), "alignment", Warning, "only SPF", "DKIM"},
		"nothing, p=reject":     {with("s1._domainkey.shop.example", "s2._domainkey.shop.example", "shop.example MX x"), "alignment", Failed, "policy is reject", "DKIM"},
		"null MX":               {with("shop.example MX ."), "MX", Failed, "takes no mail", "MX"},
		"no MX":                 {with("shop.example A 192.0.2.7"), "MX", Warning, "its own address", "MX 10"},
		"no MX, no address":     {with("shop.example TXT x"), "MX", Failed, "nobody can reply", "MX 10"},
		"no domain":             {with("shop.example"), "MX", Failed, "does not exist", "registered"},
	} {
		t.Run(name, func(t *testing.T) {
			list, _, _ := Check(t.Context(), c.zone, &Subject{Domain: domain, Zone: "relay.example", Selectors: []string{"s1", "s2"}, Keys: keys, Host: "relay.example"})
			i := slices.IndexFunc(list, func(f Finding) bool { return f.Record == c.record })
			if i < 0 {
				t.Fatalf("%+v", list)
			}
			if f := list[i]; f.Status != c.want || !strings.Contains(f.Detail, c.says) || !strings.Contains(f.Publish, c.advice) {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestCheck_delegated(t *testing.T) {
	s := &Subject{Domain: domain, Zone: "relay.example", Selectors: []string{"s1", "s2"}, Keys: keys, Host: "relay.example", Smarthost: true}
	if _, got, err := Check(t.Context(), with("s2._domainkey.shop.example"), s); err != nil || !slices.Equal(got.Selectors, []string{"s1"}) {
		t.Errorf("%v, %v", got, err)
	}
	if _, got, err := Check(t.Context(), with("s2._domainkey.shop.example DOWN"), s); err == nil || got.Selectors != nil {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := Delegated(t.Context(), good, domain, "relay.example", s.Selectors); err != nil || len(got) != 2 {
		t.Errorf("%v, %v", got, err)
	}
	host := zone{"any.s1.relay.example TXT v=DKIM1; k=rsa; p=AAAA", "any.s2.relay.example DOWN"}
	if shown, err := Shown(t.Context(), host, "relay.example", &keys[0]); !shown || err != nil {
		t.Errorf("%v, %v", shown, err)
	}
	if shown, err := Shown(t.Context(), host, "relay.example", &keys[1]); shown || err == nil {
		t.Errorf("%v, %v", shown, err)
	}
}
