package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestImage runs the relay as its container does: as user 65532, with nothing in
// the file system but the binary, its data directory and its configuration.
func TestImage(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("chroot needs root")
	}
	s := newSink(t, behaviour{})
	root := shortDir(t)
	const user = 65532 // USER of the Dockerfile
	copyTo(t, binary, filepath.Join(root, "relay"), 0o755)
	for _, library := range libraries(t, binary) {
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(library)), 0o755); err != nil {
			t.Fatal(err)
		}
		copyTo(t, library, filepath.Join(root, library), 0o755)
	}
	data := filepath.Join(root, "var/lib/relay")
	for _, dir := range []string{data, filepath.Join(root, "etc/relay")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(data, user, user); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf("hostname = %q\ntimezone = \"Europe/Rome\"\n[[listen]]\naddr = \"127.0.0.1:0\"\ntls = \"starttls\"\n"+
		"[delivery]\nallow_private = true\nsmarthost = %q\n", hostname, s.addr())
	if err := os.WriteFile(filepath.Join(root, "etc/relay/relay.toml"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	inside := func(args ...string) result { return finish(t, caged(root, user, args...)) }

	if res := inside("health"); res.code != 69 {
		t.Errorf("health without a relay: exit code %d, want 69\n%s", res.code, res.err)
	}
	r := &relay{t: t, data: data}
	t.Cleanup(r.end)
	p := r.startAs(caged(root, user, "serve"))
	p.ready(t)
	if res := inside("health"); res.code != 0 {
		t.Errorf("health: exit code %d\n%s%s", res.code, res.out, res.err)
	}
	cmd := caged(root, user, "account", "add", "acme", "--plan", "standard", "--password-stdin")
	cmd.Stdin = strings.NewReader("a chosen password\n")
	if res := finish(t, cmd); res.code != 0 {
		t.Fatalf("account add: exit code %d\n%s", res.code, res.err)
	}
	r.open("acme", "a chosen password").must(t, compose("caged", "a@acme.test", []string{"one@there.test"}, 2000))
	s.arrived("caged")
	r.stop()
	// what the guide has run in a container of its own while no relay runs
	mountSystem(t, root)
	copied := "/var/lib/relay/copy.db"
	for _, args := range [][]string{
		{"backup", copied},
		{"compact"},
		{"restore", copied},
		{"init", "--hostname", hostname, "--config", "/var/lib/relay/new/relay.toml", "--data", "/var/lib/relay/new"},
	} {
		if res := inside(args...); res.code != 0 {
			t.Errorf("relay %s: exit code %d\n%s%s", strings.Join(args, " "), res.code, res.out, res.err)
		}
	}
}

// libraries that a binary needs at its start: none where it is static, as the image's
// and CI's is. One with cgo needs those of C.
func libraries(t *testing.T, binary string) (files []string) {
	t.Helper()
	text, err := exec.Command("ldd", binary).Output() // fails for one that is static
	if err != nil {
		return nil
	}
	for word := range strings.FieldsSeq(string(text)) {
		if strings.HasPrefix(word, "/") {
			files = append(files, word)
		}
	}
	t.Logf("not static: beside it are %v", files)
	return files
}

// mountSystem puts /proc and /dev/null where every container has them: each alone, so
// that nothing of this machine's is removed where a mount should stay.
func mountSystem(t *testing.T, root string) {
	t.Helper()
	proc, null := filepath.Join(root, "proc"), filepath.Join(root, "dev/null")
	if err := errors.Join(os.Mkdir(proc, 0o755), os.Mkdir(filepath.Dir(null), 0o755), os.WriteFile(null, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{"/proc": proc, "/dev/null": null} {
		if err := syscall.Mount(from, to, "", syscall.MS_BIND, ""); err != nil {
			t.Skipf("%s cannot be mounted here: %v", from, err)
		}
		t.Cleanup(func() {
			if err := syscall.Unmount(to, syscall.MNT_DETACH); err != nil {
				t.Error(err)
			}
		})
	}
}

// caged is a command line in a root directory of its own, with the environment
// that the image has.
func caged(root string, user uint32, args ...string) *exec.Cmd {
	cmd := exec.Command("/relay", args...)
	cmd.Env = []string{"RELAY_DATA=/var/lib/relay"}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: user, Gid: user}}
	cmd.WaitDelay = patience
	return cmd
}

func copyTo(t *testing.T, from, to string, mode os.FileMode) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, mode); err != nil {
		t.Fatal(err)
	}
}
