package e2e

import (
	"strings"
	"testing"
)

// TestVisit tests a running relay as a customer does from another machine: by its ports alone,
// with a login, and with a wrong password.
func TestVisit(t *testing.T) {
	t.Parallel()
	s := newSink(t, behaviour{})
	r := newRelay(t, setup{smarthost: s.addr()})
	password := r.account("acme")
	r.start()
	test := func(input string, args ...string) result {
		t.Helper()
		ports := r.port("starttls") + "," + r.port("implicit") + "/tls"
		cmd := command(binary, append([]string{"test", "--server", "127.0.0.1", "--ports", ports}, args...)...)
		cmd.Stdin = strings.NewReader(input)
		return finish(t, cmd)
	}
	for _, c := range []struct {
		name, input string
		args        []string
		code        int
		want        string
	}{
		{"the ports", "", nil, 1, "is for relay.test, not for 127.0.0.1"},
		{"no password for an untrusted server", password + "\n", []string{"--login", "acme", "--password-stdin", "--to", "you@there.test"}, 1, "not tried"},
		{"a wrong password", "wrong\n", []string{"--login", "acme", "--password-stdin", "--to", "you@there.test", "--untrusted"}, 77, "535 5.7.8"},
		{"a message", password + "\n", []string{"--login", "acme", "--password-stdin", "--to", "you@there.test", "--from", "me@acme.test", "--untrusted"}, 0, "queued as"},
	} {
		got := test(c.input, c.args...)
		if got.code != c.code || !strings.Contains(got.out, c.want) || !strings.Contains(got.out, "STARTTLS, TLS 1.3 by IPv4") || !strings.Contains(got.out, "TLS at once, TLS 1.3") {
			t.Errorf("%s: exit code %d\n%s%s", c.name, got.code, got.out, got.err)
		}
		if strings.Contains(got.out+got.err, password) {
			t.Errorf("%s: the password shows", c.name)
		}
	}
	until(t, "the message arrives", func() bool { return s.total() == 1 })
	r.stop()
}
