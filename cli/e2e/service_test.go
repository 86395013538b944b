package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// manager stands for the service manager: it listens on a notification socket.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
	path string

	mu    sync.Mutex
	heard []string // messages
}

func newManager(t *testing.T) *manager {
	t.Helper()
	m := &manager{t: t, path: filepath.Join(shortDir(t), "notify")}
	var err error
	if m.conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.conn.Close() })
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := m.conn.Read(b)
			if err != nil {
				return
			}
			m.mu.Lock()
			m.heard = append(m.heard, string(b[:n]))
			m.mu.Unlock()
		}
	}()
	return m
}

// count of the messages that have a line that matches.
func (m *manager) count(pattern string) (n int) {
	re := regexp.MustCompile("(?m)^" + pattern + "$")
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, text := range m.heard {
		if re.MatchString(text) {
			n++
		}
	}
	return n
}

func (m *manager) wait(n int, pattern string) {
	m.t.Helper()
	until(m.t, fmt.Sprintf("the service manager hears %q %d times", pattern, n), func() bool { return m.count(pattern) >= n })
}

// shim runs the relay as the service manager does: LISTEN_PID is the process's
// own number, which is not known before there is one.
func (r *relay) shim(args ...string) *exec.Cmd {
	cmd := command("sh", append([]string{"-c", `LISTEN_PID=$$ exec "$0" "$@"`, binary}, r.args(args...)...)...)
	return cmd
}

// pass adds sockets to the command, under names.
func pass(t *testing.T, cmd *exec.Cmd, names []string, sockets ...*net.TCPListener) {
	t.Helper()
	for _, l := range sockets {
		f, err := l.File()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	}
	cmd.Env = append(cmd.Env, fmt.Sprintf("LISTEN_FDS=%d", len(sockets)), "LISTEN_FDNAMES="+strings.Join(names, ":"))
}

func (r *relay) startAs(cmd *exec.Cmd) *process {
	r.t.Helper()
	p := execute(r.t, cmd)
	r.mu.Lock()
	r.proc = p
	r.mu.Unlock()
	return p
}

func socket(t *testing.T) *net.TCPListener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.(*net.TCPListener)
}

// TestService_notify: the service manager hears that the relay is ready when it
// is, that it works, reloads and stops.
func TestService_notify(t *testing.T) {
	t.Parallel()
	m := newManager(t)
	r := newRelay(t, setup{})
	cmd := command(binary, r.args("serve")...)
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+m.path, "WATCHDOG_USEC=900000")
	p := r.startAs(cmd)
	m.wait(1, "READY=1")
	p.says("tls=starttls") // the log came before, but by another way
	c, err := dial(r.addr("starttls"))
	if err != nil {
		t.Errorf("told that it is ready: %v", err)
	} else {
		c.quit()
	}
	m.wait(3, "WATCHDOG=1")
	m.wait(1, "STATUS=0 messages in the queue")
	p.signal(t, syscall.SIGHUP)
	m.wait(1, "RELOADING=1\nMONOTONIC_USEC=[0-9]+")
	m.wait(2, "READY=1")
	r.cli("health")
	r.stop()
	if m.count("STOPPING=1") != 1 || m.count(`EXTEND_TIMEOUT_USEC=610000000`) != 1 {
		t.Errorf("at the stop it heard %q", m.heard)
	}
}

// TestService_sockets takes the service manager's sockets, by name, and leaves
// them to it at the end: who connects meanwhile waits for the next start.
func TestService_sockets(t *testing.T) {
	t.Parallel()
	s := newSink(t, behaviour{})
	r := newRelay(t, setup{smarthost: s.addr(), retry: "1s"})
	withoutListen(t, r)
	password := r.account("acme")
	starttls, implicit := socket(t), socket(t)
	launch := func() {
		cmd := r.shim("serve")
		pass(t, cmd, []string{"submission", "submissions"}, starttls, implicit)
		r.startAs(cmd).ready(t)
	}
	launch()
	if got, want := r.addr("starttls"), starttls.Addr().String(); got != want {
		t.Fatalf("STARTTLS at %s, want %s\n%s", got, want, r.running().log)
	}
	if got, want := r.addr("implicit"), implicit.Addr().String(); got != want {
		t.Fatalf("implicit TLS at %s, want %s", got, want)
	}
	r.open("acme", password).must(t, compose("first", "a@acme.test", []string{"one@there.test"}, 2000))
	s.arrived("first")
	r.stop()

	greeted := make(chan error, 1)
	go func() { // nobody serves the socket, and it takes the connection
		c, err := dial(starttls.Addr().String())
		if err == nil {
			c.quit()
		}
		greeted <- err
	}()
	launch()
	if err := <-greeted; err != nil {
		t.Errorf("a client that came while the relay was down: %v", err)
	}
	r.open("acme", password).must(t, compose("second", "a@acme.test", []string{"one@there.test"}, 2000))
	s.arrived("second")
	r.drained()
	r.stop()
}

// withoutListen takes the listeners out of the relay's configuration.
func withoutListen(t *testing.T, r *relay) {
	t.Helper()
	rewrite(t, r, regexp.MustCompile(`(?m)^\[\[listen\]\]\n.*\n.*\n`), "")
}

// rewrite changes the configuration's file.
func rewrite(t *testing.T, r *relay, what *regexp.Regexp, with string) {
	t.Helper()
	text, err := os.ReadFile(r.file)
	if err != nil {
		t.Fatal(err)
	}
	if !what.Match(text) {
		t.Fatalf("%s is not in the configuration:\n%s", what, text)
	}
	if err := os.WriteFile(r.file, what.ReplaceAll(text, []byte(with)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestService_socketsRefused: a socket that nobody knows how to use, and one that
// is no listening socket, are mistakes in the configuration.
func TestService_socketsRefused(t *testing.T) {
	t.Parallel()
	r := newRelay(t, setup{})
	withoutListen(t, r)
	connected := func() *exec.Cmd {
		l := socket(t)
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		f, err := conn.(*net.TCPConn).File()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		cmd := r.shim("serve")
		cmd.ExtraFiles = []*os.File{f}
		cmd.Env = append(cmd.Env, "LISTEN_FDS=1", "LISTEN_FDNAMES=submission")
		return cmd
	}
	unknown := r.shim("serve")
	pass(t, unknown, []string{"http"}, socket(t))
	for want, cmd := range map[string]*exec.Cmd{
		`passed a socket named "http"`: unknown,
		"does not listen on TCP":       connected(),
	} {
		if res := finish(t, cmd); res.code != 78 || !strings.Contains(res.err, want) || !strings.Contains(res.err, "relay: hint: ") {
			t.Errorf("exit code %d, want 78, %q and a hint:\n%s", res.code, want, res.err)
		}
	}
}

// TestReload sends SIGHUP while mail comes in and goes out.
func TestReload(t *testing.T) {
	t.Parallel()
	arrived, answer := make(chan string, 10), make(chan bool)
	s := newSink(t, behaviour{wait: func(d *delivery) {
		arrived <- d.id
		<-answer
	}})
	defer func() {
		s.behave(behaviour{})
		close(answer)
	}()
	r := newRelay(t, setup{smarthost: s.addr(), retry: "1s", limits: "connections = 1000"})
	password := r.account("acme")
	p := r.start()
	open, busy := r.open("acme", password), r.open("acme", password)
	open.must(t, compose("delivering", "a@acme.test", []string{"one@there.test"}, 2000))
	next(t, "the delivery begins", arrived)
	rest := busy.begin(t, compose("receiving", "a@acme.test", []string{"one@there.test"}, 1_500_000))

	rewrite(t, r, regexp.MustCompile("connections = 1000"), "connections = none")
	p.signal(t, syscall.SIGHUP)
	if line, ok := p.says("the new configuration is refused"); !ok || !strings.Contains(line, "line ") {
		t.Fatalf("a broken configuration: %s\n%s", line, p.log)
	}
	if res := r.run("", "--data", r.data, "reload"); res.code != 78 || !strings.Contains(res.err, "line ") {
		t.Errorf("relay reload: exit code %d, want 78 and a line\n%s", res.code, res.err)
	}
	third := r.open("acme", password) // as before
	third.quit()

	rewrite(t, r, regexp.MustCompile("connections = none"), "connections = 2")
	p.signal(t, syscall.SIGHUP)
	if _, ok := p.says("key=limits.connections old=1000 new=2"); !ok {
		t.Fatalf("the limit did not change:\n%s", p.log)
	}
	if c, err := dial(r.addr("starttls")); err == nil {
		c.close()
		t.Error("a third connection, where two are allowed")
	}
	if err := busy.write(rest); err != nil {
		t.Fatal(err)
	}
	if err := busy.expect(250, ""); err != nil {
		t.Errorf("a message that was being received at SIGHUP: %v, want 250", err)
	}
	answer <- true
	answer <- true
	s.arrived("receiving")
	r.drained()
	if got := s.total(); got != 2 {
		t.Errorf("%d deliveries, want 2", got)
	}
	p.signal(t, syscall.SIGHUP)
	p.signal(t, syscall.SIGTERM) // not the second signal of two
	p.signal(t, syscall.SIGHUP)
	if code := p.wait(t); code != 0 {
		t.Errorf("exit code %d, want 0\n%s", code, p.log)
	}
	r.gone()
	r.proven()
}

// units copies the unit files to where their program is the binary.
func units(t *testing.T) []string {
	t.Helper()
	dir := shortDir(t)
	var list []string
	for _, name := range []string{"relay.service", "relay-submission.socket", "relay-submissions.socket", "relay-acme.socket"} {
		text, err := os.ReadFile(filepath.Join("../../docs/systemd", name))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), "/usr/local/bin/relay", binary)), 0o644); err != nil {
			t.Fatal(err)
		}
		list = append(list, path)
	}
	return list
}

func TestUnit_verify(t *testing.T) {
	t.Parallel()
	need(t, "systemd-analyze")
	res := finish(t, command("systemd-analyze", append([]string{"verify", "--man=no"}, units(t)...)...))
	if res.code != 0 || res.out+res.err != "" {
		t.Errorf("exit code %d\n%s%s", res.code, res.out, res.err)
	}
}

// TestUnit_security: systemd's own exposure score, from 0 to 10; the guide has
// what is left.
func TestUnit_security(t *testing.T) {
	t.Parallel()
	need(t, "systemd-analyze")
	const most = "16" // tenths: 1.4 with systemd 252, three of them for asking whether the clock is kept, and room for what newer ones look at
	res := finish(t, command("systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold="+most, units(t)[0]))
	if res.code != 0 || !strings.Contains(res.out, "Overall exposure level") {
		t.Errorf("exit code %d\n%s%s", res.code, res.out, res.err)
	}
}

// TestUnit_syscalls: the unit's filter allows every system call that the relay
// makes while it starts, takes and delivers mail, reloads, answers commands and
// stops.
func TestUnit_syscalls(t *testing.T) {
	t.Parallel()
	need(t, "systemd-analyze", "strace")
	allowed := filter(t)
	s := newSink(t, behaviour{})
	r := newRelay(t, setup{smarthost: s.addr(), retry: "1s"})
	password := r.account("acme")
	counts := filepath.Join(shortDir(t), "calls")
	cmd := command("strace", append([]string{"-f", "-c", "-o", counts, binary}, r.args("serve")...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p := r.startAs(cmd)
	p.ready(t)
	r.open("acme", password).must(t, compose("small", "a@acme.test", []string{"one@there.test"}, 2000))
	r.open("acme", password).must(t, compose("large", "a@acme.test", []string{"one@there.test"}, 3_000_000))
	s.arrived("small")
	s.arrived("large")
	r.drained()
	r.cli("reload")
	r.cli("backup", filepath.Join(shortDir(t), "b.db"))
	r.cli("check", "--store")
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM); err != nil { // strace waits for its child
		t.Fatal(err)
	}
	p.wait(t)
	r.gone()
	text, err := os.ReadFile(counts)
	if err != nil {
		t.Fatal(err)
	}
	var made []string
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) >= 5 && regexp.MustCompile(`^[0-9.]+$`).MatchString(f[0]) && f[len(f)-1] != "total" {
			made = append(made, f[len(f)-1])
		}
	}
	if len(made) < 20 {
		t.Fatalf("only %d system calls seen:\n%s", len(made), text)
	}
	for _, call := range made {
		if !allowed[call] {
			t.Errorf("the relay makes the system call %s, which the unit forbids", call)
		}
	}
	t.Logf("%d different system calls: %s", len(made), strings.Join(slices.Sorted(slices.Values(made)), " "))
}

// filter is what SystemCallFilter= of the unit allows.
func filter(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("../../docs/systemd/relay.service")
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^SystemCallFilter=(~?)(.+)$`).FindAllStringSubmatch(string(text), -1) {
		for set := range strings.FieldsSeq(m[2]) {
			for _, call := range callsOf(t, set) {
				if m[1] == "~" {
					delete(allowed, call)
				} else {
					allowed[call] = true
				}
			}
		}
	}
	if len(allowed) < 100 {
		t.Fatalf("the filter allows only %d system calls", len(allowed))
	}
	return allowed
}

// callsOf a set of system calls, with the sets in it.
func callsOf(t *testing.T, set string) (calls []string) {
	t.Helper()
	if !strings.HasPrefix(set, "@") {
		return []string{set}
	}
	res := finish(t, command("systemd-analyze", "syscall-filter", "--no-pager", set))
	if res.code != 0 {
		t.Fatalf("systemd-analyze syscall-filter %s: %s", set, res.err)
	}
	for line := range strings.Lines(res.out) {
		if word := strings.TrimSpace(line); strings.HasPrefix(line, "    ") && !strings.HasPrefix(word, "#") {
			calls = append(calls, callsOf(t, word)...)
		}
	}
	return calls
}
