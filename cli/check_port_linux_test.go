package cli

import (
	"net"
	"testing"

	"relay/cli/exit"
)

// A port that another program has is a failure that names the program.
func TestCheck_portInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	e := newEnv(t, "hostname = \"relay.test\"\n[[listen]]\naddr = \""+l.Addr().String()+"\"\ntls = \"none\"\n")
	out, _, code := e.run("", "check", "--offline")
	if code != exit.Failed {
		t.Errorf("exit code %d", code)
	}
	mustMatch(t, "check", out, `failed +port \d+ +none, 127.0.0.1:\d+ is in use by \S+ \(pid\s+\d+\)`)
	mustMatch(t, "check", out, `→ stop \S+, or choose another port`)
}
