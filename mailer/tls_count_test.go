package mailer

import (
	"strings"
	"testing"
	"time"

	"relay/mailer/settings"
	"relay/store/sites"
)

// tallies are the counts of a domain, of all days until now.
func (w *world) tallies(domain string) (list []sites.TLSTally) {
	w.t.Helper()
	days, err := w.store.Sites.TLSDays(w.store.Now().Add(48*time.Hour), nil, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range days {
		if d.Domain == domain {
			list = append(list, d.Sums...)
		}
	}
	return list
}

// Connections are counted once for each domain that asks, under its own policy, and with
// what went wrong.
func TestTLSCount(t *testing.T) {
	mine, pool := certificate(t, "mx.shared.test")
	other, _ := certificate(t, "another.test")
	cfg := settings.Config{MTASTS: true, DANE: true, Reports: true, RootCAs: pool, SiteConnections: 1, Policies: &publisher{text: map[string]string{
		"strict.test":  stsPolicy("enforce", time.Hour, "mx.shared.test"),
		"testing.test": stsPolicy("testing", time.Hour, "mail.testing.test"),
		"wrong.test":   stsPolicy("enforce", time.Hour, "mx.wrong.test"),
	}}}
	inWorld(t, cfg, func(w *world) {
		w.host("shared.test").tls = mine
		w.host("wrong.test").tls = other
		w.host("clear.test")
		w.host("pinned.test").tls = other
		w.pins("pinned.test", tlsaOf(t, other))
		w.host("silent.test").tls = mine
		for _, domain := range []string{"strict.test", "testing.test"} {
			w.point(domain, "mx.shared.test")
			w.publishes(domain, "1")
		}
		w.publishes("wrong.test", "1")
		for _, domain := range []string{"strict.test", "testing.test", "wrong.test", "clear.test", "pinned.test"} {
			w.dns.proof.txt["_smtp._tls."+domain] = []string{"v=TLSRPTv1; rua=mailto:tls@" + domain}
		}
		for range 3 { // over one connection to a host
			for _, domain := range []string{"strict.test", "testing.test", "wrong.test", "clear.test", "pinned.test", "silent.test"} {
				w.send("you@" + domain)
			}
		}
		w.run(4 * time.Minute) // a pipe takes no alert while the other side writes: a handshake that we end lasts a minute
		for _, c := range []struct {
			domain, kind string
			good, bad    int64
			result       string
		}{
			{"strict.test", "sts", 1, 0, ""},
			{"testing.test", "sts", 0, 1, "validation-failure"},
			{"wrong.test", "sts", 0, 3, "certificate-host-mismatch"},
			{"clear.test", "no-policy-found", 0, 1, "starttls-not-supported"},
			{"pinned.test", "tlsa", 1, 0, ""},
		} {
			list := w.tallies(c.domain)
			if len(list) != 1 || list[0].Type != c.kind || list[0].Good != c.good || list[0].Bad != c.bad {
				t.Errorf("%s: %+v", c.domain, list)
				continue
			}
			if c.result != "" && (len(list[0].Failures) != 1 || list[0].Failures[0].Result != c.result || list[0].Failures[0].IP == "") {
				t.Errorf("%s: %+v", c.domain, list[0].Failures)
			}
		}
		if list := w.tallies("silent.test"); list != nil {
			t.Errorf("a domain that did not ask is counted: %+v", list)
		}
		if p := w.tallies("strict.test")[0].Policy; !strings.Contains(strings.Join(p, "\n"), "mode: enforce\nmx: mx.shared.test\nmax_age: 3600") {
			t.Errorf("policy %q", p)
		}
	})
}
