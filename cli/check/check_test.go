package check

import (
	"context"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"relay/cli/config"
	"relay/cli/finding"
	"relay/cli/kernel"
	"relay/cli/place"
	"relay/cli/shell"
)

// newLook is a look at a relay of which there is only an empty data directory.
func newLook(t *testing.T, change func(*config.Config)) *look {
	t.Helper()
	cfg := config.Default()
	cfg.Hostname, cfg.Timezone = "relay.test", "UTC"
	if change != nil {
		change(&cfg)
	}
	c := checkup{Env: &shell.Env{Stderr: t.Output()}, Machine: Machine{Addresses: kernel.OwnAddresses, Listen: net.Listen}, cfg: cfg, dir: place.Dir(t.TempDir())}
	return c.look(t.Context(), "test")
}

// text of the results, for comparison.
func (r results) text() string {
	var b strings.Builder
	for _, f := range r {
		b.WriteString(string(f.Status) + " " + f.Check + ": " + f.Detail + " → " + f.Advice + "\n")
	}
	return b.String()
}

// match compares the results with a regular expression.
func (r results) match(t *testing.T, pattern string) {
	t.Helper()
	if !regexp.MustCompile(pattern).MatchString(r.text()) {
		t.Errorf("%s\nwant %s", r.text(), pattern)
	}
}

func TestResults_summary(t *testing.T) {
	for _, c := range []struct {
		list []finding.Status
		want string
	}{
		{[]finding.Status{finding.OK, finding.OK}, "All is well."},
		{[]finding.Status{finding.OK, finding.Warning}, "1 warning, 1 ok."},
		{[]finding.Status{finding.Failed, finding.Warning, finding.Warning}, "1 failed, 2 warnings, 0 ok."},
	} {
		l := newLook(t, nil)
		for _, s := range c.list {
			l.add("x", s, "", "y")
		}
		if got := l.summary(); got != c.want {
			t.Errorf("%v: %q, want %q", c.list, got, c.want)
		}
	}
}

// A name server that never answers costs no more than the common deadline.
func TestLook_hangs(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for name, all := range map[string]func(*look){
		"DNS":     func(l *look) { (&records{look: l}).all() },
		"way out": func(l *look) { (&egress{l}).outside() },
	} {
		l := newLook(t, func(c *config.Config) { c.Delivery.Resolver = silent.LocalAddr().String() })
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		l.ctx = ctx
		all(l)
		if len(l.results) != 1 || l.count(finding.Warning) != 1 || !strings.HasPrefix(l.results[0].Detail, "cannot tell: ") {
			t.Errorf("%s: %s", name, l.text())
		}
	}
}
