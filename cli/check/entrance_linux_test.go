package check

import (
	"net"
	"testing"

	"relay/cli/config"
)

// A port that another program has is a failure that names the program.
func TestEntrance_ports_inUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	e := entrance{look: newLook(t, func(c *config.Config) { c.Listen = []config.Listen{{Addr: l.Addr().String(), TLS: "none"}} }), relay: &process{}}
	e.all()
	e.match(t, `^failed port \d+: none, 127.0.0.1:\d+ is in use by \S+ \(pid \d+\) → stop \S+, or choose another port in \[\[listen\]\]\n$`)
}
