package control

import (
	"net"
	"net/netip"
	"sync"
)

// fairListener closes connections of an address that has apiAddress of them open.
type fairListener struct {
	net.Listener
	exempt func(netip.Addr) bool

	mu sync.Mutex
	of map[netip.Prefix]int
}

// Accept implements net.Listener.
func (f *fairListener) Accept() (net.Conn, error) {
	for {
		conn, err := f.Listener.Accept()
		if err != nil {
			return nil, err
		}
		a := addressOf(conn.RemoteAddr().String())
		if f.exempt(a) {
			return conn, nil
		}
		if s := site(a); f.enter(s) {
			return &countedConn{conn, sync.OnceFunc(func() { f.leave(s) })}, nil
		}
		_ = conn.Close()
	}
}

// enter counts a connection, and reports false if the address has its share already.
func (f *fairListener) enter(s netip.Prefix) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of[s] >= apiAddress {
		return false
	}
	f.of[s]++
	return true
}

func (f *fairListener) leave(s netip.Prefix) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of[s]--; f.of[s] <= 0 {
		delete(f.of, s)
	}
}

// countedConn is a connection that gives its place back when it is closed.
type countedConn struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *countedConn) Close() error {
	c.leave()
	return c.Conn.Close()
}

// site returns what counts as one address: for IPv6 a /64, which belongs to one customer.
func site(a netip.Addr) netip.Prefix {
	p, _ := a.Prefix(min(a.BitLen(), 64)) // it fails for more bits than an address has
	return p
}
