package check

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"relay/cli/acme"
	"relay/cli/config"
)

func TestEntrance_fromAuthority(t *testing.T) {
	now := time.Now()
	bound := func(string, string) (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }
	taken := func(string, string) (net.Listener, error) { return nil, errors.New("the port is taken") }
	for _, c := range []struct {
		name   string
		ends   time.Time // zero: there is no certificate
		note   acme.Note
		listen func(string, string) (net.Listener, error)
		wanted []string
		ca     string
	}{
		{"none yet", time.Time{}, acme.Note{}, bound,
			[]string{"warning certificate: none yet, a self-signed one is used until then", "start the relay", "ok port 80: for the authority's proof"}, ""},
		{"none, for a reason", time.Time{}, acme.Note{Failures: 2, Problem: "no such name", Next: now}, taken,
			[]string{"warning authority: 2 failures: no such name; the next try is ", "run relay reload", "on port 80", "warning port 80: for the authority's proof: the port is taken"}, ""},
		{"all is well", now.Add(80 * 24 * time.Hour), acme.Note{IssuedBy: "https://ca.test/"}, bound,
			[]string{"ok certificate: relay.test, until ", "ok authority: https://ca.test/, the relay renews by itself"}, ""},
		{"not renewed", now.Add(24 * time.Hour), acme.Note{IssuedBy: "https://ca.test/", Failures: 1, Problem: "it says no", Next: now}, bound,
			[]string{"warning certificate: ends ", "warning authority: 1 failure: it says no"}, ""},
		{"the authority's own certificate is missing", time.Time{}, acme.Note{}, bound,
			[]string{"failed authority: tls.acme_ca: open /none.pem: no such file"}, "/none.pem"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := entrance{look: newLook(t, nil), relay: &process{}}
			e.Listen = c.listen
			folder := e.dir.TLS("")
			if err := os.MkdirAll(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			if !c.ends.IsZero() {
				writePair(t, &e.cfg, folder, "relay.test", now.Add(-80*24*time.Hour), c.ends, nil)
				joinFiles(t, acme.PairFile(folder), e.cfg.TLS.Key, e.cfg.TLS.Cert)
			}
			text, err := json.Marshal(c.note)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, "acme.json"), text, 0o600); err != nil {
				t.Fatal(err)
			}
			e.cfg.TLS = config.TLS{Contact: "you@relay.test", HTTP: ":80", CA: c.ca}
			e.certificate()
			for _, w := range c.wanted {
				if !strings.Contains(e.text(), w) {
					t.Errorf("%q is not in:\n%s", w, e.text())
				}
			}
		})
	}
}

// joinFiles writes all files into one.
func joinFiles(t *testing.T, into string, files ...string) {
	t.Helper()
	var all []byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	if err := os.WriteFile(into, all, 0o600); err != nil {
		t.Fatal(err)
	}
}
