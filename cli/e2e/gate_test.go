package e2e

import (
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// gate stands before the relay's socket and lets so many octets of answers through, of
// all connections together. So a command is in the middle of its work for as long as a
// test likes.
type gate struct {
	t      *testing.T
	socket string // where the relay's was
	moved  string // where it is
	l      *net.UnixListener
	held   chan struct{} // closed when no more may pass
	opened chan struct{} // closed when all may

	mu   sync.Mutex
	left int64
}

// gate puts one before the relay's socket, until the test closes it.
func (r *relay) gate(octets int64) *gate {
	r.t.Helper()
	g := &gate{t: r.t, socket: filepath.Join(r.data, "relay.sock"), moved: filepath.Join(r.data, "moved.sock"),
		held: make(chan struct{}), opened: make(chan struct{}), left: octets}
	if err := os.Rename(g.socket, g.moved); err != nil {
		r.t.Fatal(err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: g.socket, Net: "unix"})
	if err != nil {
		r.t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	g.l = l
	go g.serve()
	return g
}

// close puts the relay's socket back, and lets through what was held.
func (g *gate) close() {
	g.t.Helper()
	if err := os.Rename(g.moved, g.socket); err != nil {
		g.t.Error(err)
	}
	_ = g.l.Close()
	close(g.opened)
}

func (g *gate) serve() {
	for {
		command, err := g.l.Accept()
		if err != nil {
			return
		}
		relay, err := net.Dial("unix", g.moved)
		if err != nil {
			_ = command.Close()
			continue
		}
		go forward(relay, command, func(n int) int { return n })
		go forward(command, relay, g.take)
	}
}

// forward hands on what comes, as far as it may pass, until one side ends.
func forward(to, from net.Conn, take func(int) int) {
	defer to.Close()
	defer from.Close()
	for b := make([]byte, 32<<10); ; {
		n, err := from.Read(b)
		for rest := b[:n]; len(rest) > 0; {
			k := take(len(rest))
			if _, err := to.Write(rest[:k]); err != nil {
				return
			}
			rest = rest[k:]
		}
		if err != nil {
			return
		}
	}
}

// take says how many of n octets may pass now, and waits until it is one at least.
func (g *gate) take(n int) int {
	g.mu.Lock()
	k := int(min(int64(n), g.left))
	g.left -= int64(k)
	full := k > 0 && g.left == 0
	g.mu.Unlock()
	if full {
		close(g.held)
	}
	if k == 0 {
		<-g.opened
		return n
	}
	return k
}
