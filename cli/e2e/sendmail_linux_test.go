package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A web server's user may read neither configuration nor data: it finds the relay
// by its default ports.
func TestSendmail_ofAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	if os.Getenv(insideNet) == "" {
		if !ownNetwork(t) {
			t.Skip("the default ports need a network of their own")
		}
		return
	}
	dir := shortDir(t)
	config := filepath.Join(dir, "relay.toml")
	if err := os.WriteFile(config, []byte("hostname = \"relay.test\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := bare(t, nil, "RELAY_DATA="+filepath.Join(dir, "data"), "RELAY_CONFIG="+config)
	ask(t, p, "account", "add", "host", "--plan", "entry")
	const nobody = 65534
	call := func(args ...string) result {
		cmd := exec.Command(binary, append([]string{"sendmail"}, args...)...)
		cmd.Env = []string{"RELAY_CONFIG=" + config}
		cmd.Dir = "/"
		cmd.Stdin = strings.NewReader("To: a@there.test\nSubject: x\n\nx\n")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		return finish(t, cmd)
	}
	if res := call("-t", "-i"); res.code != 77 || !strings.Contains(res.err, "127.0.0.1:2525 said: 530") {
		t.Errorf("not known: exit code %d\n%s", res.code, res.err)
	}
	ask(t, p, "account", "network", "add", "host", "127.0.0.1")
	if res := call("-t", "-i", "-f", "web@there.test"); res.code != 0 || res.err != "" {
		t.Errorf("exit code %d\n%s", res.code, res.err)
	}
	if out := ask(t, p, "queue", "list", "--json"); !strings.Contains(out, `"sender":"web@there.test"`) {
		t.Errorf("not in the queue: %s", out)
	}
	// what a program passes on from its users names no configuration
	if res := call("--config", config, "-t"); res.code != 64 || !strings.Contains(res.err, "hint:") {
		t.Errorf("a configuration in the arguments: exit code %d\n%s", res.code, res.err)
	}
	if res := call("-bp"); res.code != 69 || !strings.Contains(res.err, "hint: run it as the user") {
		t.Errorf("mailq: exit code %d\n%s", res.code, res.err)
	}
}
