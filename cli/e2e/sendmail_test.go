package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// link makes a link to the relay with that name, and returns its path.
func link(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.Symlink(binary, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// The host's own programs call sendmail, find relay, and their mail arrives.
func TestSendmail(t *testing.T) {
	t.Parallel()
	sink := newSink(t, behaviour{})
	r := newRelay(t, setup{smarthost: sink.addr()})
	r.account("host")
	r.cli("account", "network", "add", "host", "127.0.0.1")
	r.start()
	call := func(name, input string, args ...string) result {
		cmd := command(link(t, name), args...)
		cmd.Env = append(cmd.Env, "RELAY_CONFIG="+r.file)
		cmd.Stdin = strings.NewReader(input)
		return finish(t, cmd)
	}
	for _, c := range []struct {
		name, input string
		args        []string
	}{
		{"php", "To: Ann <ann@a.example>\r\nBcc: secret@b.example\r\nSubject: php\r\nX-Test-Id: php\r\n\r\ngr\xc3\xbc\xc3\x9fe\n", []string{"-t", "-i", "-f", "web@example.org"}},
		{"cron", "From: root (Cron Daemon)\nTo: ann@a.example\nSubject: cron\nX-Test-Id: cron\n\nout\n.\nmore\n", []string{"-FCronDaemon", "-i", "-B8BITMIME", "-oem", "ann@a.example"}},
		{"big", "Subject: big\nX-Test-Id: big\n\n" + strings.Repeat(strings.Repeat("x", 79)+"\n", 100_000), []string{"-oi", "ann@a.example"}},
	} {
		if res := call("sendmail", c.input, c.args...); res.code != 0 || res.out != "" || res.err != "" {
			t.Fatalf("%s: exit code %d\n%s%s", c.name, res.code, res.out, res.err)
		}
	}
	r.drained()
	got := map[string]*delivery{}
	for _, id := range []string{"php", "cron", "big"} {
		d := sink.arrived(id)
		if d == nil {
			t.Fatalf("%s has not arrived", id)
		}
		got[id] = d
		if strings.Contains(string(d.content), "secret") {
			t.Errorf("%s: Bcc has arrived", id)
		}
	}
	if got["php"].from != "web@example.org" || len(got["php"].to) != 2 || got["big"].size < 8_000_000 {
		t.Errorf("arrived: %v", got)
	}
	if !strings.Contains(string(got["php"].content), "\r\ngr\xc3\xbc\xc3\x9fe\r\n") || !strings.HasSuffix(string(got["cron"].content), "out\r\n.\r\nmore\r\n") {
		t.Errorf("%q %q", got["php"].content, got["cron"].content)
	}
	if res := call("mailq", ""); res.code != 0 {
		t.Errorf("mailq: exit code %d\n%s", res.code, res.err)
	}
	r.cli("account", "suspend", "host", "--reason", "unpaid")
	if res := call("sendmail", "x\n", "ann@a.example"); res.code != 69 || !strings.Contains(res.err, "suspended: unpaid") {
		t.Errorf("suspended: exit code %d\n%s", res.code, res.err)
	}
	r.stop()
	if res := call("sendmail", "x\n", "ann@a.example"); res.code != 75 || !strings.Contains(res.err, "hint:") {
		t.Errorf("stopped: exit code %d\n%s", res.code, res.err)
	}
}
