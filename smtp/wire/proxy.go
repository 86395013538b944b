package wire

import (
	"bufio"
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/pires/go-proxyproto"
)

// proxyTime is how long a PROXY header may take to come.
const proxyTime = 5 * time.Second

// Proxies are the networks of balancers: what comes from there begins with a PROXY header.
type Proxies []netip.Prefix

// Has reports whether an address is a balancer's.
func (p Proxies) Has(a netip.Addr) bool {
	return slices.ContainsFunc(p, func(n netip.Prefix) bool { return n.Contains(a) })
}

// ErrGone is the error of a connection that ended without a word: somebody looked whether the
// listener is up, or the listener itself ends. It is not worth a line in the log.
var ErrGone = errors.New("closed without a word")

var errNotTCP = errors.New("the client's address is none of TCP")

// Introduce reads the PROXY header (version 1 or 2) with which a connection from
// a listed proxy begins, before TLS and before our greeting, and returns the client's address.
// A header with the command LOCAL (UNKNOWN in version 1) has none, and the result is the zero
// one: the proxy speaks for itself, as when it looks whether we are up.
//
// Nobody is greeted without a header: all clients of a proxy that does not send it would count
// as one address. Introduce may block for as long as proxyTime, and runs in the connection's own
// goroutine.
func (s *Stream) Introduce() (client netip.AddrPort, err error) {
	h, rest, err := s.header()
	if err == nil && h.Command.IsProxy() {
		client, err = clientOf(h)
	}
	switch {
	case err == nil:
		s.replay(rest)
	case s.stopping():
		err = ErrGone
	}
	return client, err
}

func clientOf(h *proxyproto.Header) (netip.AddrPort, error) {
	src, _, ok := h.TCPAddrs()
	if !ok {
		return netip.AddrPort{}, errNotTCP
	}
	addr, ok := netip.AddrFromSlice(src.IP)
	if !ok {
		return netip.AddrPort{}, errNotTCP
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(src.Port)), nil
}

// header reads the header and what came behind it. The library waits for a header
// without an end of time, so the time is ours; Poke may interrupt it.
func (s *Stream) header() (h *proxyproto.Header, rest []byte, err error) {
	_ = s.Raw.SetDeadline(time.Now().Add(proxyTime))
	defer s.Rearm()
	defer s.Busy()
	if !s.Await() {
		return nil, nil, net.ErrClosed
	}
	r := bufio.NewReaderSize(s.Raw, 512)
	gather(r)
	h, err = proxyproto.Read(r)
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, proxyproto.ErrNoProxyProtocol) && r.Buffered() == 0 {
		err = ErrGone
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
func (s *Stream) replay(rest []byte) {
	switch {
	case len(rest) == 0:
	case s.Implicit:
		s.Cur = &replayed{Conn: s.Raw, rest: rest}
	default:
		s.Unread(rest)
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
