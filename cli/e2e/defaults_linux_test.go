package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// insideNet tells a copy of this program that it has a network of its own.
const insideNet = "RELAY_E2E_NET"

// TestDefaults runs the relay without any configuration. Its ports are fixed
// then, and on all addresses: the test starts itself again in a network of its
// own, where this is possible.
func TestDefaults(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/etc/relay/relay.toml"); err == nil {
		t.Skip("this machine has a relay.toml of its own")
	}
	if os.Getenv(insideNet) != "" {
		t.Run("privileged", allPorts)
		t.Run("ports taken", portsTaken)
		t.Run("as an ordinary user", ordinaryUser)
		return
	}
	if !ownNetwork(t) {
		if ln, err := net.Listen("tcp", ":2525"); err != nil {
			t.Skipf("port 2525 is taken: %v", err)
		} else if err := ln.Close(); err != nil {
			t.Fatal(err)
		}
		allPorts(t)
	}
}

// ownNetwork runs the test in a network namespace and reports whether there was one.
func ownNetwork(t *testing.T) bool {
	t.Helper()
	ip, err := exec.LookPath("ip")
	if err != nil {
		t.Log("ip is not installed")
		return false
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", `"$1" link set lo up || exit 99; shift; exec "$@"`, "sh", ip,
		self, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), insideNet+"=1", givenBinary+"="+binary)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() == 99 {
		t.Logf("no network of its own: %v %s", err, out)
		return false
	}
	t.Logf("in a network of its own:\n%s", out)
	if err != nil {
		t.Errorf("failed there: %v", err)
	}
	return true
}

// bare starts the relay with nothing but an environment.
func bare(t *testing.T, cred *syscall.Credential, env ...string) *process {
	t.Helper()
	cmd := exec.Command(binary, "serve")
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}, env...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: cred}
	p := execute(t, cmd)
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended already
		p.wait(t)
	})
	p.ready(t)
	if lines := p.log.kept("self-signed"); len(lines) != 1 || !strings.Contains(lines[0], "level=WARN") {
		t.Errorf("no warning about a self-signed certificate: %v", lines)
	}
	if p.addr("starttls") == "" {
		t.Errorf("the relay does not say where it listens:\n%s", p.log)
	}
	return p
}

// greets wants a relay at a port of loopback.
func greets(t *testing.T, port string) {
	t.Helper()
	c, err := dial("127.0.0.1:" + port)
	if err != nil {
		t.Errorf("port %s: %v", port, err)
		return
	}
	c.quit()
}

// ask runs a command with the same environment and wants it to succeed.
func ask(t *testing.T, p *process, args ...string) string {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Env, cmd.Dir, cmd.SysProcAttr = p.cmd.Env, p.cmd.Dir, p.cmd.SysProcAttr
	res := finish(t, cmd)
	if res.code != 0 {
		t.Fatalf("relay %s: exit code %d\n%s", strings.Join(args, " "), res.code, res.err)
	}
	return res.out
}

// works adds an account and submits a message on port 2525.
func works(t *testing.T, p *process, data string) {
	t.Helper()
	password := strings.Fields(strings.SplitAfter(ask(t, p, "account", "add", "acme", "--plan", "standard"), "password")[1])[0]
	r := &relay{t: t, data: data}
	trust := r.trust()
	trust.ServerName = ""
	trust.InsecureSkipVerify = true // the name is this machine's, whatever it is
	c, err := login("127.0.0.1:2525", trust, "acme", password)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	c.must(t, compose("bare", "a@acme.test", []string{"one@there.test"}, 1000))
	if out := ask(t, p, "usage", "acme", "--json"); !strings.Contains(out, `"messages": 1,`) && !strings.Contains(out, `"messages":1,`) {
		t.Errorf("usage %s, want 1 message", out)
	}
	p.signal(t, syscall.SIGTERM)
	if code := p.wait(t); code != 0 {
		t.Errorf("exit code %d after SIGTERM\n%s", code, p.log)
	}
}

// allPorts runs it where it may bind what it likes.
func allPorts(t *testing.T) {
	data := filepath.Join(shortDir(t), "data")
	p := bare(t, nil, "RELAY_DATA="+data)
	for _, port := range []string{"587", "465"} {
		listens := strings.Contains(strings.Join(p.log.kept("msg=listening"), "\n"), ":"+port+" ")
		if skipped := skip(p, port); skipped == listens {
			t.Errorf("port %s: listens %v, said to be skipped %v\n%s", port, listens, skipped, p.log)
		}
		if listens && port == "587" {
			greets(t, port)
		}
	}
	works(t, p, data)
}

// skip reports whether the relay said that it skips a port, and what to do.
func skip(p *process, port string) bool {
	for _, line := range p.log.kept("port skipped") {
		if field(line, "addr") == ":"+port && field(line, "advice") != "" {
			return true
		}
	}
	return false
}

// portsTaken runs it where other programs have the privileged ports.
func portsTaken(t *testing.T) {
	for _, port := range []string{"587", "465"} {
		ln, err := net.Listen("tcp", ":"+port)
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
	}
	data := filepath.Join(shortDir(t), "data")
	p := bare(t, nil, "RELAY_DATA="+data)
	for _, port := range []string{"587", "465"} {
		if !skip(p, port) {
			t.Errorf("port %s is taken, and the relay does not say so\n%s", port, p.log)
		}
	}
	works(t, p, data)
}

// ordinaryUser runs it as somebody without privileges, who has only a home.
func ordinaryUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	const nobody = 65534
	home := shortDir(t)
	if err := os.Chown(home, nobody, nobody); err != nil {
		t.Skipf("there is no other user here: %v", err)
	}
	cred := &syscall.Credential{Uid: nobody, Gid: nobody}
	for name, env := range map[string]struct{ set, data string }{
		"HOME":          {"HOME=" + home, filepath.Join(home, ".local", "share", "relay")},
		"XDG_DATA_HOME": {"XDG_DATA_HOME=" + filepath.Join(home, "xdg"), filepath.Join(home, "xdg", "relay")},
	} {
		t.Run(name, func(t *testing.T) {
			p := bare(t, cred, env.set)
			for _, port := range []string{"587", "465"} {
				if !skip(p, port) {
					t.Errorf("port %s needs privileges, and the relay does not say so\n%s", port, p.log)
				}
			}
			if info, err := os.Stat(env.data); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("%s: %v, %v; want mode 0700", env.data, info, err)
			}
			works(t, p, env.data)
		})
	}
}
