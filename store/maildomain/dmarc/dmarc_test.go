package dmarc

import (
	"context"
	"testing"
)

// zone has a TXT record a name.
type zone map[string]string

func (z zone) texts(_ context.Context, name string) ([]string, error) {
	if z[name] == "" {
		return nil, nil
	}
	return []string{z[name]}, nil
}

// The walk of RFC 9989 §4.10: at most eight questions, the nearest policy, the organization.
func TestWalk(t *testing.T) {
	for name, c := range map[string]struct {
		zone             zone
		domain, at, orga string
	}{
		"its own":               {zone{"_dmarc.a.b.example": "v=DMARC1; p=none", "_dmarc.b.example": "v=DMARC1; p=reject"}, "a.b.example", "a.b.example", "b.example"},
		"of the organization":   {zone{"_dmarc.b.c.example": "v=DMARC1; p=none", "_dmarc.c.example": "v=DMARC1; p=reject"}, "a.b.c.example", "c.example", "c.example"},
		"psd=n ends it":         {zone{"_dmarc.b.c.example": "v=DMARC1; p=none; psd=n", "_dmarc.c.example": "v=DMARC1; p=reject"}, "a.b.c.example", "b.c.example", "b.c.example"},
		"below a registry":      {zone{"_dmarc.c.example": "v=DMARC1; p=reject; psd=y"}, "a.b.c.example", "c.example", "b.c.example"},
		"a registry and others": {zone{"_dmarc.b.c.example": "v=DMARC1; p=none", "_dmarc.c.example": "v=DMARC1; p=reject; psd=y"}, "a.b.c.example", "b.c.example", "b.c.example"},
		"none":                  {zone{}, "a.example", "", "a.example"},
	} {
		t.Run(name, func(t *testing.T) {
			p, orga, err := Walk(t.Context(), c.zone.texts, c.domain)
			at := ""
			if p != nil {
				at = p.At
			}
			if at != c.at || orga != c.orga || err != nil {
				t.Errorf("record of %q, organization %q, %v; want %q, %q", at, orga, err, c.at, c.orga)
			}
		})
	}
	long := names("a.b.c.d.e.f.g.h.i.j.mail.example")
	if len(long) != 8 || long[1] != "f.g.h.i.j.mail.example" || long[7] != "example" {
		t.Errorf("%d questions: %v", len(long), long)
	}
}
