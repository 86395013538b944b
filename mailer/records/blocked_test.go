package records

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"relay/mailer/blocklist"
	"relay/mailer/route"
)

// listings is a DNS of blocklists.
type listings map[string]string

func (z listings) LookupAddrs(_ context.Context, host string) ([]netip.Addr, error) {
	if a, ok := z[host]; ok {
		return []netip.Addr{netip.MustParseAddr(a)}, nil
	}
	return nil, route.ErrNotFound
}

func (z listings) LookupTXT(context.Context, string) ([]string, error) {
	return []string{"spam seen"}, nil
}

// A listing is a failure with the next step; a list in disorder says nothing.
func TestBlocked(t *testing.T) {
	all, err := blocklist.Read("own.toml", []byte(`
[[list]]
name = "Good"
zone = "good.test"
of = "domain"
lookup = "https://good.test/"
[[list]]
name = "Dead"
zone = "dead.test"
of = "domain"
`))
	if err != nil {
		t.Fatal(err)
	}
	var lists []*blocklist.List
	for _, l := range all.Of(blocklist.Domains) {
		if l.Name == "Good" || l.Name == "Dead" {
			lists = append(lists, l)
		}
	}
	dns := listings{"test.good.test": "127.0.0.2", "bad.example.good.test": "127.0.0.4"}
	for domain, want := range map[string]string{
		"bad.example":  "failed bad.example is listed by Good (127.0.0.4 spam seen): receivers that ask there refuse its mail → ask the list to take the domain off, once the reason is gone; Good: https://good.test/",
		"fine.example": "ok not listed by the 1 that answered; not by: Dead: it does not list test, which every such list does → ",
	} {
		b, err := Blocked(t.Context(), dns, lists, domain)
		f, ok := b.Finding(domain)
		if got := string(f.Status) + " " + f.Detail + " → " + f.Publish; err != nil || !ok || got != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", domain, err, got, want)
		}
	}
	if b, err := Blocked(t.Context(), dns, lists[1:], "x.example"); err != nil {
		t.Error(err)
	} else if f, ok := b.Finding("x.example"); !ok || f.Status != Warning || !strings.HasPrefix(f.Detail, "no list answered") {
		t.Errorf("%+v", f)
	}
	if b, _ := Blocked(t.Context(), dns, nil, "x.example"); b.Asked != 0 {
		t.Errorf("%+v", b)
	} else if _, ok := b.Finding("x.example"); ok {
		t.Error("a finding though nobody was asked")
	}
}
