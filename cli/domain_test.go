package cli

import (
	"context"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"relay/cli/exit"
	"relay/cli/sandbox/sink"
)

// publish has the name server show what the operator and the owner of a domain publish, and
// the records lines besides, and the configuration name it.
func (e env) publish(t *testing.T, cnames, lines string) {
	t.Helper()
	keys := e.must(t, "domain", "keys")
	_, target, _ := strings.Cut(cnames, "CNAME\t")
	label, _, _ := strings.Cut(target, ".")
	zone := "$TTL 60\n" + cnames + strings.ReplaceAll(keys, "*.", label+".") + strings.ReplaceAll(keys, "*.", "any.") + lines
	addr, stop, err := serveDNS(zone)
	if err != nil {
		t.Fatalf("%v\n%s", err, zone)
	}
	t.Cleanup(stop)
	if err := set(e["RELAY_CONFIG"], "resolver", `"`+addr+`"`); err != nil {
		t.Fatal(err)
	}
}

// A domain from its first command to signed mail at the next hop, which a second
// implementation verifies.
func TestDomain_signed(t *testing.T) {
	e := newEnv(t, testConfig)
	e.must(t, "account", "add", "acme", "--plan", "entry")
	e.must(t, "account", "network", "add", "acme", "127.0.0.1")
	added := e.must(t, "domain", "add", "Shop.example", "--account", "acme")
	mustMatch(t, "domain add", added, `(?m)^s2\._domainkey\.shop\.example\.\tIN\tCNAME\t[a-z2-7]{16}\.s2\.relay\.test\.$`)
	mustMatch(t, "domain list", e.must(t, "domain", "list"), `shop\.example +acme +waiting`)
	_, cnames, _ := strings.Cut(added, "\n")
	if out, _, code := e.run("", "domain", "check", "shop.example"); code != exit.Failed || !strings.Contains(out, "cannot tell") {
		t.Errorf("domain check without a name server: %d\n%s", code, out)
	}

	e.publish(t, cnames, `
relay.test. A 192.0.2.10
relay.test. TXT "v=spf1 ip4:192.0.2.10 -all"
shop.example. TXT "v=spf1 include:relay.test -all"
shop.example. MX 10 mx.shop.example.
_dmarc.shop.example. TXT "v=DMARC1; p=reject; rua=mailto:dmarc@shop.example"
surbl-org-permanent-test-point.com.multi.surbl.org. A 127.0.0.2
test.uribl.com.multi.uribl.com. A 127.0.0.2
`)
	mustMatch(t, "job run", e.must(t, "job", "run", "domains"), `(?s)looked at 1 domain.*delegated: shop\.example.*signs from now on: s1`)
	mustMatch(t, "domain list", e.must(t, "domain", "list", "--account", "acme"), `shop\.example +acme +delegated`)
	checked := e.must(t, "domain", "check", "shop.example")
	if strings.Contains(checked, "failed") || strings.Contains(checked, "warning") {
		t.Errorf("domain check:\n%s", checked)
	}
	mustMatch(t, "domain keys", e.must(t, "domain", "keys"), `(?s); s1: signs mail.*; s2: waits for its turn`)

	message := e.through(t, "me@shop.example")
	if !strings.Contains(message, "d=shop.example; s=s1;") {
		t.Errorf("not signed:\n%s", message)
	}
	e.verified(t, message)

	mustMatch(t, "domain remove", e.must(t, "domain", "remove", "shop.example"), `not signed any more`)
	if message := e.through(t, "me@shop.example"); strings.Contains(message, "DKIM-Signature") {
		t.Errorf("signed after the domain was removed:\n%s", message)
	}
	if _, stderr, code := e.run("", "domain", "remove", "shop.example"); code == exit.Done || !strings.Contains(stderr, "no account has") {
		t.Errorf("removed again: %d, %s", code, stderr)
	}
}

// through sends a message through a relay, and returns what its next hop took.
func (e env) through(t *testing.T, from string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := sink.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	taken := make(chan string, 1)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	hop := sink.New(sink.Config{Folder: folder, Taken: func(m *sink.Message) { taken <- m.File }})
	go func() { defer close(ended); _ = hop.Run(ctx, l) }()
	defer func() { cancel(); <-ended }()
	if err := set(e["RELAY_CONFIG"], "smarthost", `"`+l.Addr().String()+`"`); err != nil {
		t.Fatal(err)
	}
	s := serveTest(t, e)
	defer s.stop()
	if err := submit(s.dir, from, "you@rcpt.example"); err != nil {
		t.Fatal(err)
	}
	select {
	case name := <-taken:
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	case <-time.After(soon):
		t.Fatalf("nothing arrived:\n%s", s.log)
		return ""
	}
}

// verified has a second implementation look at a message, with the key that the operator
// was told to publish.
func (e env) verified(t *testing.T, message string) {
	t.Helper()
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import dkim").Run(); err != nil {
		t.Log("not verified: python3-dkim is not installed")
		return
	}
	_, key, _ := strings.Cut(e.must(t, "domain", "keys"), "p=")
	key, _, _ = strings.Cut(key, ")")
	key = strings.NewReplacer("\"", "", "\n", "", "\t", "", " ", "").Replace(key)
	verify := exec.Command(python, "-c", `import dkim, sys; print(dkim.verify(sys.stdin.buffer.read(), dnsfunc=lambda n, timeout=5: ("v=DKIM1; p=" + sys.argv[1]).encode()))`, key)
	verify.Stdin = strings.NewReader(message)
	if out, err := verify.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "True" {
		t.Errorf("python3-dkim says %s, %v:\n%s", out, err, message)
	}
}
