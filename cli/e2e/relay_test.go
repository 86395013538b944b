package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// hostname is the relay's, and what its certificate is for.
const hostname = "relay.test"

// How a relay is set up. Zero fields: the defaults of the relay.
type setup struct {
	smarthost string // host:port
	retry     string // one wait for all attempts
	data      string // data directory; "": a new one
	top       string // further lines of the configuration, before the first table
	limits    string // likewise, in [limits]
	delivery  string // likewise, in [delivery]
}

// relay is a relay on loopback: its files, and the process while it runs.
type relay struct {
	t    *testing.T
	file string // relay.toml
	data string

	mu   sync.Mutex
	proc *process // nil: not running
}

// newRelay writes the configuration of a relay with one listener of each kind. When it
// stops, what is under way may take longer than a test waits.
// It does not run yet. When the test ends it is killed, should it still run.
func newRelay(t *testing.T, s setup) *relay {
	t.Helper()
	dir := shortDir(t)
	r := &relay{t: t, file: filepath.Join(dir, "relay.toml"), data: s.data}
	if r.data == "" {
		r.data = filepath.Join(dir, "data")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "hostname = %q\ntimezone = \"UTC\"\ndrain = %q\ndata_dir = %q\n%s\n", hostname, 2*patience, r.data, s.top)
	for _, mode := range []string{"starttls", "implicit", "none"} {
		fmt.Fprintf(&b, "[[listen]]\naddr = \"127.0.0.1:0\"\ntls = %q\n", mode)
	}
	fmt.Fprintf(&b, "[limits]\n%s\n[delivery]\nallow_private = true\n%s\n", s.limits, s.delivery)
	if s.smarthost != "" {
		fmt.Fprintf(&b, "smarthost = %q\n", s.smarthost)
	}
	if s.retry != "" {
		fmt.Fprintf(&b, "retry = [%q]\n", s.retry)
	}
	if err := os.WriteFile(r.file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.end)
	return r
}

// end is the clean-up: nothing of the relay is left, and a failed test shows
// what it said.
func (r *relay) end() {
	p := r.running()
	if p == nil {
		return
	}
	if r.t.Failed() {
		r.t.Logf("the relay's log:\n%s", p.log)
	}
	r.kill()
}

func (r *relay) running() *process {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.proc
}

// args puts the configuration before a command line.
func (r *relay) args(args ...string) []string {
	return append([]string{"--config", r.file}, args...)
}

// launch executes the relay and does not wait for anything.
func (r *relay) launch() *process {
	r.t.Helper()
	p := execute(r.t, command(binary, r.args("serve")...))
	r.mu.Lock()
	r.proc = p
	r.mu.Unlock()
	return p
}

// start executes the relay and returns when it is ready.
func (r *relay) start() *process {
	r.t.Helper()
	p := r.launch()
	p.ready(r.t)
	return p
}

// kill ends the relay the hard way.
func (r *relay) kill() {
	r.t.Helper()
	r.mu.Lock()
	p := r.proc
	r.proc = nil
	r.mu.Unlock()
	_ = p.cmd.Process.Kill() // it may have ended already
	p.wait(r.t)
}

// stop ends the relay as an operator does and wants it to be content.
func (r *relay) stop() {
	r.t.Helper()
	p := r.running()
	p.signal(r.t, syscall.SIGTERM)
	if code := p.wait(r.t); code != 0 {
		r.t.Errorf("exit code %d after SIGTERM, want 0; the relay's log:\n%s", code, p.log)
	}
	r.gone()
}

// gone forgets a process that has ended.
func (r *relay) gone() {
	r.mu.Lock()
	r.proc = nil
	r.mu.Unlock()
}

// addr is where the running relay takes mail in that way; "" while it is down.
func (r *relay) addr(mode string) string {
	p := r.running()
	if p == nil {
		return ""
	}
	return p.addr(mode)
}

// port of addr.
func (r *relay) port(mode string) string {
	r.t.Helper()
	_, port, ok := strings.Cut(r.addr(mode), ":")
	if !ok {
		r.t.Fatalf("no listener %s", mode)
	}
	return port
}

// certificate of the relay, made by itself.
func (r *relay) certificate() string { return filepath.Join(r.data, "tls", "selfsigned.crt") }

// trust is a client's configuration that takes this relay's certificate alone.
func (r *relay) trust() *tls.Config {
	r.t.Helper()
	pem, err := os.ReadFile(r.certificate())
	if err != nil {
		r.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		r.t.Fatalf("%s holds no certificate", r.certificate())
	}
	return &tls.Config{RootCAs: roots, ServerName: hostname}
}

// result of a command.
type result struct {
	out, err string
	code     int
}

// run runs a command line of the relay, with input.
func (r *relay) run(input string, args ...string) result {
	r.t.Helper()
	cmd := command(binary, r.args(args...)...)
	cmd.Stdin = strings.NewReader(input)
	return finish(r.t, cmd)
}

// cli runs a command line that must succeed and returns its standard output.
func (r *relay) cli(args ...string) string {
	r.t.Helper()
	res := r.run("", args...)
	if res.code != 0 {
		r.t.Fatalf("relay %s: exit code %d\n%s", strings.Join(args, " "), res.code, res.err)
	}
	return res.out
}

// json is cli with the result read into v.
func (r *relay) json(v any, args ...string) {
	r.t.Helper()
	out := r.cli(append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), v); err != nil {
		r.t.Fatalf("relay %s --json: %v\n%.500s", strings.Join(args, " "), err, out)
	}
}

// local adds an account that sends from this machine without a login too, and
// returns its password.
func (r *relay) local(name string) string {
	r.t.Helper()
	password := r.account(name)
	r.cli("account", "network", "add", name, "127.0.0.0/8")
	return password
}

// account adds an account without limits and a network, and returns its password.
func (r *relay) account(name string) string {
	r.t.Helper()
	const plan = "any"
	if res := r.run("", "plan", "show", plan); res.code != 0 {
		// A month's plan: its period does not turn while the test runs.
		r.cli("plan", "add", plan, "--term", "month", "--recipients", "1000")
	}
	var got struct{ Login, Password string }
	r.json(&got, "account", "add", name, "--plan", plan)
	if got.Login != name || len(got.Password) < 20 {
		r.t.Fatalf("account add: login %q with a password of %d characters", got.Login, len(got.Password))
	}
	return got.Password
}

// usage as the relay tells it.
type usage struct {
	Messages, Bytes                     int64
	Delivered, Deferred, Failed, Queued int64
}

func (r *relay) usage(account string) (u usage) {
	r.t.Helper()
	r.json(&u, "usage", account)
	return u
}

// queued is a message in the queue.
type queued struct {
	ID         string
	Sender     string
	Size       int64
	MessageID  string `json:"message_id"`
	Recipients []struct {
		Address, State, Reply string
		Tries                 int
	}
}

func (r *relay) queue() (list []queued) {
	r.t.Helper()
	r.json(&list, "queue", "list")
	return list
}

// drained waits until nothing is left to deliver.
func (r *relay) drained() {
	r.t.Helper()
	var last []queued
	end := time.Now().Add(patience)
	for last = r.queue(); len(last) > 0; last = r.queue() {
		if time.Now().After(end) {
			r.t.Fatalf("%d messages in the queue after %s, the first: %+v", len(last), patience, last[0])
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// event is a line of a trace.
type event struct {
	ID         string
	Event      string
	Sender     string
	Size       int64
	MessageID  string `json:"message_id"`
	Recipients []struct{ Addr, State, Reply string }
}

// accepted is every message of a sender's domain that the relay took, by its
// Message-ID.
func (r *relay) accepted(domain string) map[string]event {
	r.t.Helper()
	var all []event
	r.json(&all, "trace", "@"+domain, "--limit", "10000000")
	taken := map[string]event{}
	for _, e := range all {
		if e.Event != "accepted" || e.Sender == "" {
			continue
		}
		if _, twice := taken[e.MessageID]; twice {
			r.t.Errorf("%s was accepted twice", e.MessageID)
		}
		taken[e.MessageID] = e
	}
	return taken
}

// proven wants relay check --store to find nothing wrong with the store.
func (r *relay) proven() {
	r.t.Helper()
	res := r.run("", "check", "--store", "--offline", "--json")
	var all []struct{ Check, Status, Detail string }
	if err := json.Unmarshal([]byte(res.out), &all); err != nil {
		r.t.Fatalf("relay check --store: exit code %d, %v\n%s%s", res.code, err, res.out, res.err)
	}
	proved := false
	for _, f := range all {
		proved = proved || f.Check == "store"
		if f.Status == "failed" && f.Check != "disk" { // which may be small
			r.t.Errorf("relay check --store: %s: %s", f.Check, f.Detail)
		}
	}
	if !proved {
		r.t.Errorf("relay check --store did not look at the store: %s", res.out)
	}
}
