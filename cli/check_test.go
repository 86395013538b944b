package cli

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"relay/cli/config"
	"relay/cli/exit"
	"relay/cli/finding"
	"relay/cli/kernel"
	"relay/cli/place"
	"relay/cli/wholefile"
	"relay/report/api/act"
	"relay/store"
	"relay/store/bolt"
)

// lines of what was found, for comparison.
func lines(c *checker) string {
	var b strings.Builder
	for _, f := range c.findings {
		b.WriteString(string(f.Status) + " " + f.Check + ": " + f.Detail + " → " + f.Advice + "\n")
	}
	return b.String()
}

func newChecker(t *testing.T, change func(*config.Config)) *checker {
	t.Helper()
	cfg := config.Default()
	cfg.Hostname, cfg.Timezone = "relay.test", "UTC"
	if change != nil {
		change(&cfg)
	}
	return &checker{program: &program{App: App{Getenv: env{}.get, Listen: net.Listen}}, ctx: t.Context(), cfg: cfg, dir: place.Dir(t.TempDir())}
}

func TestChecker_judgeBackup(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name, schedule string
		done           time.Time
		want           string
	}{
		{"never, nothing scheduled", "", time.Time{}, "ok backup: none is scheduled → "},
		{"by hand", "", now, "ok backup: none is scheduled; the last was"},
		{"none yet", "@daily", time.Time{}, "warning backup: none was made yet; the next is due"},
		{"as it should be", "@daily", now, "ok backup: the last was"},
		{"a moment late", "@daily", now.Truncate(24 * time.Hour).Add(-time.Hour), ""},
		{"overdue", "@daily", now.Add(-72 * time.Hour), "warning backup: overdue since"},
		{"of a clock that was wrong", "@daily", now.Add(72 * time.Hour), "warning backup: the last was "},
		{"the same by hand", "", now.Add(72 * time.Hour), "warning backup: the last was "},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newChecker(t, func(cfg *config.Config) { cfg.Backup.Schedule = c.schedule })
			k.judgeBackup(c.done)
			if got := lines(k); !strings.HasPrefix(got, c.want) || strings.Count(got, "\n") != 1 {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestChecker_store(t *testing.T) {
	for _, c := range []struct {
		file, free int64
		want       string
	}{
		{1_000_000_000, 100_000_000, "ok store file: 1.0 GB, 100 MB (10 %) of it free; 3 messages (5.0 KB) queued → \n"},
		{1_000_000_000, 700_000_000, "warning store file: 1.0 GB, 700 MB (70 %) of it free; 3 messages (5.0 KB) queued → relay compact gives about 700 MB"},
		{200_000_000, 190_000_000, "ok store file: 200 MB"}, // too small to be worth it
		{300_000_000, 200_000_000, "ok store file: 300 MB"}, // as relay compact --dry-run says
	} {
		k := newChecker(t, nil)
		k.store(c.file, c.free, store.Totals{Messages: 3, Bytes: 5000})
		if got := lines(k); !strings.HasPrefix(got, c.want) {
			t.Errorf("%d of %d free: %s, want %s", c.free, c.file, got, c.want)
		}
	}
}

// A store of an older relay is not brought up to date by a look at it.
func TestChecker_openStore_older(t *testing.T) {
	k := newChecker(t, nil)
	db, err := bolt.Open(k.dir.Store(), bolt.Options{Buckets: []string{"accounts"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(k.dir.Store())
	if err != nil {
		t.Fatal(err)
	}
	k.openStore()
	mustMatch(t, "older", lines(k), `^ok store file: is of an older relay → relay serve, or any command on it, brings it up to date\n$`)
	if after, err := os.ReadFile(k.dir.Store()); !bytes.Equal(after, before) || err != nil {
		t.Errorf("the store was changed, %v", err)
	}
}

func TestChecker_descriptors(t *testing.T) {
	k := newChecker(t, func(c *config.Config) { c.Limits.Connections = 1_000_000_000 })
	k.descriptors()
	mustMatch(t, "too few", lines(k), `^warning open files: started here it may have \d+, as many .* → set LimitNOFILE=1000000600 in the unit`)
	k = newChecker(t, func(c *config.Config) { c.Limits.Connections = 1; c.Delivery.Connections = 1 })
	k.descriptors()
	mustMatch(t, "enough", lines(k), `^ok open files: .* at most 102 are needed`)
	k = newChecker(t, nil)
	k.health = &act.Health{PID: 1 << 30}
	k.descriptors()
	mustMatch(t, "not to be read", lines(k), `^warning open files: cannot tell: `)
}

func TestChecker_taken(t *testing.T) {
	for _, c := range []struct {
		users    []kernel.Process
		optional bool
		want     string
	}{
		{[]kernel.Process{{Name: "postfix", PID: 123}}, false, "failed port: starttls, :587 is in use by postfix (pid 123) → stop postfix, or choose another port"},
		{[]kernel.Process{{Name: "postfix", PID: 123}}, true, "warning port: "},
		{nil, false, "failed port: starttls, :587 is in use by another program, run relay check as root to see which → another program listens there"},
		{[]kernel.Process{{Name: "systemd", PID: 1}}, false, "ok port: starttls, the service manager has :587"},
	} {
		k := newChecker(t, nil)
		k.taken("port", config.Listen{Addr: ":587", TLS: "starttls", Optional: c.optional}, c.users)
		if got := lines(k); !strings.HasPrefix(got, c.want) {
			t.Errorf("%v: %s, want %s", c.users, got, c.want)
		}
	}
}

func TestChecker_disk(t *testing.T) {
	k := newChecker(t, nil)
	k.dir = place.Dir(filepath.Join(string(k.dir), "not", "there"))
	k.disk()
	k.diskSpeed()
	mustMatch(t, "a directory that is not there yet", lines(k), `^\S+ disk: .* free of .* → `)
	if strings.Contains(lines(k), "speed") {
		t.Errorf("a speed was measured nowhere: %s", lines(k))
	}
	k = newChecker(t, nil)
	k.diskSpeed()
	mustMatch(t, "speed", lines(k), `disk speed: \d+\.\d ms to make a small write last`)
	if left, err := os.ReadDir(string(k.dir)); len(left) > 0 || err != nil {
		t.Errorf("left over: %v, %v", left, err)
	}
}

// make writes a certificate and its key, and configures them.
func (c *checker) make(t *testing.T, host string, begins, ends time.Time, parent *x509.Certificate, signer *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotBefore: begins, NotAfter: ends}
	if parent == nil {
		parent, signer = leaf, key
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c.cfg.TLS = config.TLS{Cert: filepath.Join(string(c.dir), "cert.pem"), Key: filepath.Join(string(c.dir), "key.pem")}
	for _, err := range []error{writeBlock(c.cfg.TLS.Cert, "CERTIFICATE", der), writeBlock(c.cfg.TLS.Key, "PRIVATE KEY", pkcs8)} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestChecker_certificate(t *testing.T) {
	now := time.Now()
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "An Authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(1000 * time.Hour)}
	year := now.Add(365 * 24 * time.Hour)
	for _, c := range []struct {
		name   string
		make   func(*testing.T, *checker)
		wanted []string
	}{
		{"self-signed", func(t *testing.T, c *checker) { c.make(t, "relay.test", now, year, nil, nil) },
			[]string{"ok certificate: relay.test, until ", "warning chain: the certificate is self-signed"}},
		{"another name", func(t *testing.T, c *checker) { c.make(t, "other.test", now, year, nil, nil) },
			[]string{"warning certificate: x509: certificate is valid for other.test, not relay.test"}},
		{"ends soon", func(t *testing.T, c *checker) { c.make(t, "relay.test", now, now.Add(100*time.Hour), nil, nil) },
			[]string{"warning certificate: ends "}},
		{"has ended", func(t *testing.T, c *checker) {
			c.make(t, "relay.test", now.Add(-100*time.Hour), now.Add(-time.Hour), nil, nil)
		}, []string{"failed certificate: ended ", "warning chain: the certificate is self-signed"}},
		{"not yet", func(t *testing.T, c *checker) { c.make(t, "relay.test", now.Add(time.Hour), year, nil, nil) },
			[]string{"failed certificate: holds from ", "warning chain: the certificate is self-signed"}},
		{"an unknown authority", func(t *testing.T, c *checker) { c.make(t, "relay.test", now, year, authority, signer) },
			[]string{"ok certificate: ", "warning chain: the file has one certificate only", "fullchain"}},
		{"a key for everybody", func(t *testing.T, c *checker) {
			c.make(t, "relay.test", now, year, nil, nil)
			if err := os.Chmod(c.cfg.TLS.Key, 0o644); err != nil {
				t.Fatal(err)
			}
		}, []string{"warning TLS key: ", "may be read by everybody"}},
		{"no files", func(t *testing.T, c *checker) { c.cfg.TLS = config.TLS{Cert: "/nowhere/c.pem", Key: "/nowhere/k.pem"} },
			[]string{"failed certificate: ", "no such file"}},
		{"none", func(*testing.T, *checker) {}, []string{"warning certificate: none configured"}},
		{"passed to the service", func(_ *testing.T, c *checker) { c.cfg.TLS = config.TLS{Cert: "credential:cert", Key: "credential:key"} },
			[]string{"warning certificate: cannot tell: credential:cert is passed to the service only"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newChecker(t, nil)
			c.make(t, k)
			k.certificate()
			for _, w := range c.wanted {
				if !strings.Contains(lines(k), w) {
					t.Errorf("%q is not in:\n%s", w, lines(k))
				}
			}
		})
	}
}

// A renewed file that the relay has not taken up yet, and a listener behind a
// balancer's rules.
func TestCheck_served(t *testing.T) {
	k := newChecker(t, nil)
	k.make(t, "relay.test", time.Now().Add(-time.Hour), time.Now().Add(1000*time.Hour), nil, nil)
	e := newEnv(t, `
hostname = "relay.test"
proxies = ["127.0.0.0/8"]
[[listen]]
addr = "127.0.0.1:0"
tls = "implicit"
[tls]
cert = "`+k.cfg.TLS.Cert+`"
key = "`+k.cfg.TLS.Key+`"
`)
	s := serveTest(t, e)
	defer s.stop()
	out, _, code := e.run("", "check", "--offline")
	if code != exit.Done {
		t.Errorf("exit code %d", code)
	}
	mustMatch(t, "check", out, `ok +port 0 +implicit, the relay answers on 127.0.0.1:\d+\n`)
	k.make(t, "relay.test", time.Now().Add(-time.Hour), time.Now().Add(2000*time.Hour), nil, nil)
	out, _, _ = e.run("", "check", "--offline")
	mustMatch(t, "check", out, `warning +port 0 +implicit, the relay answers on 127.0.0.1:\d+, with\s+another`)
}

func TestChecker_greeting(t *testing.T) {
	for line, want := range map[string]string{"220 mx.test ESMTP": "220 mx.test ESMTP", "554 go away": "554 go away"} {
		k := newChecker(t, nil)
		got, err := k.greeting(greeter(t, line), false)
		if err != nil {
			got = err.Error()
		}
		if got != want || (err == nil) != strings.HasPrefix(line, "220") {
			t.Errorf("greeting %q: %q, %v", line, got, err)
		}
	}
}

// The port that is open.
func TestChecker_portOut(t *testing.T) {
	hop := greeter(t, "220 mx.gmail.test ESMTP")
	addr, stop, err := serveDNS("gmail.com. 60 IN MX 20 far.test.\ngmail.com. 60 IN MX 10 near.test.\nnear.test. 60 IN A 127.0.0.1\n")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	k := newChecker(t, func(c *config.Config) { c.Delivery.Resolver, c.Delivery.Port = addr, config.PortOf(hop) })
	k.wayOut()
	mustMatch(t, "open", lines(k), `^ok port \d+ out: open: near.test answers 220 mx.gmail.test ESMTP`)
}

// An address that this machine has no way to, as IPv4 has none on a machine with
// IPv6 only, says nothing about the port.
func TestChecker_portOut_noRoute(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	hop := greets(t, l, "220 mx.gmail.test ESMTP")
	addr, stop, err := serveDNS("gmail.com. 60 IN MX 10 mx.test.\nmx.test. 60 IN AAAA fe80::1\nmx.test. 60 IN AAAA ::1\n")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	k := newChecker(t, func(c *config.Config) { c.Delivery.Resolver, c.Delivery.Port = addr, config.PortOf(hop) })
	k.wayOut()
	mustMatch(t, "open", lines(k), `^ok port \d+ out: open: mx.test answers`)
}

// There was no time left for it.
func TestChecker_portOut_late(t *testing.T) {
	k := newChecker(t, func(c *config.Config) { c.Delivery.Resolver = "127.0.0.1:1" })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	k.ctx = ctx
	k.portOut()
	mustMatch(t, "late", lines(k), `^warning port 25 out: cannot tell: `)
}

// A relay that does not talk to us may be who has the ports.
func TestChecker_taken_silent(t *testing.T) {
	k := newChecker(t, nil)
	k.silent = true
	k.taken("port", config.Listen{Addr: ":587", TLS: "starttls"}, nil)
	mustMatch(t, "taken", lines(k), `^warning port: starttls, :587 is in use by another program, .*: perhaps the relay, which could not be asked`)
}

// What hangs costs no more than the common deadline.
func TestChecker_hangs(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	k := newChecker(t, func(c *config.Config) { c.Delivery.Resolver = silent.LocalAddr().String() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	k.meanwhile(ctx, look{"DNS", (*checker).dns}, look{"way out", (*checker).wayOut})()
	if len(k.findings) != 2 {
		t.Fatalf("found %s", lines(k))
	}
	for _, f := range k.findings {
		if f.Status != finding.Warning || !strings.HasPrefix(f.Detail, "cannot tell: ") {
			t.Errorf("%s: %s", f.Status, f.Detail)
		}
	}
}

func TestChecker_summary(t *testing.T) {
	for _, c := range []struct {
		list []finding.Status
		want string
	}{
		{[]finding.Status{finding.OK, finding.OK}, "All is well."},
		{[]finding.Status{finding.OK, finding.Warning}, "1 warning, 1 ok."},
		{[]finding.Status{finding.Failed, finding.Warning, finding.Warning}, "1 failed, 2 warnings, 0 ok."},
	} {
		k := newChecker(t, nil)
		for _, s := range c.list {
			k.add("x", s, "", "y")
		}
		if got := k.summary(); got != c.want {
			t.Errorf("%v: %q, want %q", c.list, got, c.want)
		}
	}
}

func writeBlock(path, kind string, der []byte) error {
	return wholefile.Write(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
