package smtp

import (
	"bufio"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/pires/go-proxyproto"
)

// introduce reads the PROXY header (version 1 or 2) with which a connection from
// a listed proxy begins, before TLS and before our greeting, and takes the
// client's address from it. Nobody is greeted without one: all clients of a proxy
// that does not send it would count as one address. It runs in the connection's
// own goroutine; false ends the connection without a word.
func (c *Conn) introduce() (ok bool) {
	c.proxied = false
	defer c.survive(func() { ok = false })
	h, rest, err := c.header()
	if err == nil && h.Command.IsProxy() {
		err = c.introduced(h)
	}
	if err == nil {
		c.replay(rest)
	} else if !errors.Is(err, errGone) && !c.srv.draining.Load() {
		c.srv.events.proxyBroken(c, err)
	}
	if err != nil || c.away == nil && !c.admit(true) {
		c.dead, c.lost = true, true
		return false
	}
	return true
}

var (
	errNotTCP = errors.New("the client's address is none of TCP")
	errGone   = errors.New("closed without a word") // somebody looked whether we are up
)

// introduced takes the client's address. A header with the command LOCAL (UNKNOWN
// in version 1) has none: the proxy speaks for itself, as when it looks whether
// we are up.
func (c *Conn) introduced(h *proxyproto.Header) error {
	src, _, ok := h.TCPAddrs()
	if !ok {
		return errNotTCP
	}
	addr, ok := netip.AddrFromSlice(src.IP)
	if !ok {
		return errNotTCP
	}
	c.from(addr.Unmap())
	return nil
}

// header reads the header and what came behind it. The library waits for a header
// without an end of time, so the time is ours; drain may interrupt it.
func (c *Conn) header() (h *proxyproto.Header, rest []byte, err error) {
	_ = c.raw.SetDeadline(time.Now().Add(proxyTime))
	defer func() { c.deadline = time.Time{} }()
	c.idle.Store(true)
	defer c.idle.Store(false)
	if c.srv.draining.Load() {
		return nil, nil, net.ErrClosed
	}
	r := bufio.NewReaderSize(c.raw, 512)
	gather(r)
	h, err = proxyproto.Read(r)
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, proxyproto.ErrNoProxyProtocol) && r.Buffered() == 0 {
		err = errGone
	}
	rest, _ = r.Peek(r.Buffered())
	return h, rest, err
}

// gather waits for the whole of a header of version 1: the library takes it only
// in a single piece. What is none, or ends too early, is left for it to see.
func gather(r *bufio.Reader) {
	const most = 107 // octets (the protocol's §2.1)
	for n := 1; n <= most; n++ {
		b, err := r.Peek(n)
		if err != nil || b[n-1] == '\n' || n <= len(proxyproto.SIGV1) && b[n-1] != proxyproto.SIGV1[n-1] {
			return
		}
	}
}

// replay puts back what was read beyond the header.
func (c *Conn) replay(rest []byte) {
	switch {
	case len(rest) == 0:
	case c.mode == Implicit:
		c.cur = &replayed{Conn: c.raw, rest: rest}
	default:
		c.unread(rest)
	}
}

// replayed is a connection whose first octets were read already.
type replayed struct {
	net.Conn
	rest []byte
}

// Read implements net.Conn.
func (r *replayed) Read(b []byte) (int, error) {
	if len(r.rest) == 0 {
		return r.Conn.Read(b)
	}
	n := copy(b, r.rest)
	if r.rest = r.rest[n:]; len(r.rest) == 0 {
		r.rest = nil
	}
	return n, nil
}
