package e2e

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// box is a relay sandbox that runs, with what it said on standard output.
type box struct {
	t    *testing.T
	proc *process
	out  *logBook
	tmp  string // its TMPDIR
	dir  string // its data
}

// openBox starts relay sandbox and returns when its first message has arrived.
func openBox(t *testing.T, args ...string) *box {
	t.Helper()
	b := &box{t: t, out: newLogBook(), tmp: shortDir(t)}
	cmd := command(binary, append([]string{"sandbox", "--port", "0"}, args...)...)
	cmd.Env = append(cmd.Env, "TMPDIR="+b.tmp, "TZ=Europe/Rome")
	cmd.Stdout = b.out
	b.proc = execute(t, cmd)
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended already
		b.proc.wait(t)
	})
	b.says("  First message")
	b.dir = regexp.MustCompile(b.tmp + `/relay-\d+`).FindString(b.out.String())
	return b
}

// says waits for a line.
func (b *box) says(text string) {
	b.t.Helper()
	if _, ok := b.out.find(text, b.proc.done); !ok {
		b.t.Fatalf("the sandbox does not say %q:\n%s\n%s", text, b.out, b.proc.log)
	}
}

// example is a command of the first screen that begins so, as it is printed.
func (b *box) example(begin string) string {
	b.t.Helper()
	lines := strings.Split(b.out.String(), "\n")
	for i, l := range lines {
		if !strings.HasPrefix(l, "  "+begin) {
			continue
		}
		end := i
		for strings.HasSuffix(lines[end], `\`) {
			end++
		}
		return strings.Join(lines[i:end+1], "\n")
	}
	b.t.Fatalf("no line begins with %q:\n%s", begin, b.out)
	return ""
}

// paste runs a printed command as a shell does.
func (b *box) paste(text string) result {
	b.t.Helper()
	cmd := command("/bin/sh", "-c", text)
	cmd.Stdin = strings.NewReader("")
	return finish(b.t, cmd)
}

// end wants a signal to leave nothing behind.
func (b *box) end(s os.Signal, sum string) {
	b.t.Helper()
	b.proc.signal(b.t, s)
	if code := b.proc.wait(b.t); code != 0 {
		b.t.Errorf("exit code %d\n%s", code, b.proc.log)
	}
	b.says(sum)
	b.says("Removed " + b.dir)
	if list, err := os.ReadDir(b.tmp); len(list) > 0 || err != nil {
		b.t.Errorf("left over: %v, %v", list, err)
	}
}

func TestSandbox_curl(t *testing.T) {
	t.Parallel()
	need(t, "curl")
	b := openBox(t)
	if res := b.paste(b.example("printf")); res.code != 0 {
		t.Fatalf("exit code %d\n%s%s", res.code, res.out, res.err)
	}
	b.says("me@demo.example → you@example.org       245 B  Hello")
	b.end(syscall.SIGINT, "Accepted 2 e-mails, ")
}

func TestSandbox_swaks(t *testing.T) {
	t.Parallel()
	need(t, "swaks")
	b := openBox(t)
	if res := b.paste(b.example("swaks")); res.code != 0 || res.out != "" || res.err != "" {
		t.Fatalf("exit code %d\n%s%s", res.code, res.out, res.err)
	}
	b.says("me@demo.example → bounce@example.org  550 5.1.1 no such user here")
	b.says("<> → me@demo.example ")
	b.end(syscall.SIGTERM, ": 1 delivered, 1 failed, 0 waiting.")
}

// The command that the screen shows works, also for a user who has a
// configuration of his own that the sandbox does not read.
func TestSandbox_command(t *testing.T) {
	t.Parallel()
	b := openBox(t)
	if res := b.paste(b.example(binary)); res.code != 0 || !strings.Contains(res.out, "1 of 9,000") {
		t.Errorf("exit code %d\n%s%s", res.code, res.out, res.err)
	}
	mode, err := os.Stat(b.dir)
	if err != nil || mode.Mode().Perm() != 0o700 {
		t.Errorf("the directory: %v, %v", mode, err)
	}
	if log, err := os.ReadFile(filepath.Join(b.dir, "relay.log")); err != nil || !bytes.Contains(log, []byte("relay ready")) {
		t.Errorf("relay.log: %q, %v", log, err)
	}
	if said := b.proc.log.String(); said != "" {
		t.Errorf("on standard error: %s", said)
	}
	b.end(syscall.SIGHUP, "Accepted 1 e-mail, ")
}

// What runs these tests may ignore signals, as nohup and a shell's & do: the
// processes that they start do not.
func TestSandbox_nohup(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("/bin/sh", "-c", `trap '' HUP INT; exec "$0" "$@"`, os.Args[0], "-test.run=^TestSandbox_command$", "-test.count=1")
	cmd.Env = append(os.Environ(), givenBinary+"="+binary)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// A pipe whose reader has gone ends the sandbox, cleaned up, as soon as there is
// something to say.
func TestSandbox_brokenPipe(t *testing.T) {
	t.Parallel()
	tmp := shortDir(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := command(binary, "sandbox", "--port", "0", "--at", "2026-11-30 23:59", "--speed", "60")
	cmd.Env = append(cmd.Env, "TMPDIR="+tmp)
	cmd.Stdout = w
	p := execute(t, cmd)
	_ = w.Close()
	if _, err := io.ReadFull(r, make([]byte, 100)); err != nil {
		t.Errorf("no screen: %v\n%s", err, p.log)
	}
	_ = r.Close()
	if code := p.wait(t); code != 0 { // the month turns after a second
		t.Errorf("exit code %d\n%s", code, p.log)
	}
	if list, err := os.ReadDir(tmp); len(list) > 0 || err != nil {
		t.Errorf("left over: %v, %v", list, err)
	}
}

// A day in a second: what is put off comes again by the business's clock, and
// what cannot be delivered for four days is reported.
func TestSandbox_fastClock(t *testing.T) {
	t.Parallel()
	need(t, "swaks")
	b := openBox(t, "--at", "2026-11-30 23:58", "--speed", "86400")
	b.says("2026-11-30 23:5")
	swaks := b.example("swaks")
	for _, to := range []string{"later@b.example", "defer@b.example"} {
		if res := b.paste(strings.Replace(swaks, "bounce@example.org", to, 1)); res.code != 0 {
			t.Fatalf("mail to %s: exit code %d\n%s", to, res.code, res.err)
		}
	}
	b.says("2026-11 is over: demo used ")
	b.says("me@demo.example → later@b.example     451 4.7.1 greylisted")
	b.says("me@demo.example → defer@b.example     451 4.2.1 mailbox")
	b.says("<> → me@demo.example ") // four days later
	b.end(syscall.SIGINT, ": 2 delivered, 1 failed, 0 waiting.")
	if n := len(b.out.kept("→ defer@b.example")); n < 15 {
		t.Errorf("%d attempts in four days", n)
	}
}

// What an ordinary user cannot do is said before anything starts.
func TestSandbox_errors(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to become somebody else")
	}
	secret := t.TempDir() // for its owner alone
	if err := os.Chmod(secret, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ flags, want string }{
		{"--keep " + secret + "/mail", "--keep: mkdir .*permission denied"},
		{"--port 25", "listen on 127.0.0.1:25: .*permission denied\nrelay: hint: ports below 1024 need privileges"},
	} {
		cmd := command(binary, append([]string{"sandbox"}, strings.Fields(c.flags)...)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		res := finish(t, cmd)
		if res.code != 1 || !regexp.MustCompile(c.want).MatchString(res.err) || res.out != "" {
			t.Errorf("relay sandbox %s: exit code %d\n%s%s", c.flags, res.code, res.out, res.err)
		}
	}
}

// As nobody it works like for anybody.
func TestSandbox_asNobody(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to become somebody else")
	}
	out := newLogBook()
	cmd := command(binary, "sandbox", "--port", "0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	cmd.Stdout = out
	p := execute(t, cmd)
	if _, ok := out.find("  First message", p.done); !ok {
		t.Fatalf("no first message:\n%s\n%s", out, p.log)
	}
	p.signal(t, os.Interrupt)
	if code := p.wait(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.log)
	}
	dir := regexp.MustCompile(`/\S*/relay-\d+`).FindString(out.String())
	if _, err := os.Stat(dir); dir == "" || !os.IsNotExist(err) {
		t.Errorf("%q is left: %v", dir, err)
	}
}

// go run . sandbox is the first thing that a newcomer does: it names itself so.
func TestSandbox_goRun(t *testing.T) {
	t.Parallel()
	need(t, "go")
	tmp := shortDir(t)
	out := newLogBook()
	cmd := command("go", "run", "../..", "sandbox", "--port", "0")
	cmd.Env = append(cmd.Env, "TMPDIR="+tmp)
	cmd.Stdout = out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a terminal's Ctrl-C goes to both
	p := execute(t, cmd)
	defer func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }()
	if _, ok := out.find("  First message", p.done); !ok {
		t.Fatalf("no first message:\n%s\n%s", out, p.log)
	}
	if text := out.String(); !strings.Contains(text, "\n  go run . usage demo --data "+tmp) {
		t.Errorf("it calls itself otherwise:\n%s", text)
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	p.wait(t)
	left, err := filepath.Glob(filepath.Join(tmp, "relay-*"))
	if len(left) > 0 || err != nil {
		t.Errorf("left over: %v, %v", left, err)
	}
}
