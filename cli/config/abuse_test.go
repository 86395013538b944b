package config

import (
	"strings"
	"testing"

	"relay/store/access"
	"relay/store/signs"
)

func TestShare(t *testing.T) {
	for text, want := range map[string]int64{"0.1%": 1_000, "5%": 50_000, "100 %": 1_000_000, "0.0001%": 1, "": 0, "5": 0, "-1%": 0, "101%": 0, "1.00001%": 0, "%": 0, "1.-5%": 0} {
		s := shareOf(text)
		if s.Millionths != want || (s.bad == "") != (want > 0) && text != "" {
			t.Errorf("%q is %d, %q, want %d", text, s.Millionths, s.bad, want)
		}
		if want > 0 && shareOf(s.String()) != s {
			t.Errorf("%q is written %q", text, s)
		}
	}
}

func TestAbuse(t *testing.T) {
	c := Default()
	if is := c.Abuse.Theft(); is != (access.Theft{Failed: 5, Recipients: 50}) {
		t.Errorf("theft %+v", is)
	}
	if is := *c.Abuse.Rules(); is != signs.Default {
		t.Errorf("defaults are %+v, want %+v", is, signs.Default)
	}
	c.Abuse.ComplaintsSuspend, c.Abuse.BouncesSlowShare = 2, shareOf("a lot")
	err := c.Validate()
	for _, want := range []string{`abuse.complaints_suspend: 2: not below complaints_warn, which is 3`, `abuse.bounces_slow_share: "a lot": a share such as "0.1%", up to "100%"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %s", err, want)
		}
	}
}
