package sandbox

import (
	"errors"
	"net"
	"strconv"
	"syscall"

	"relay/cli/exit"
)

// Ports that a sandbox uses when they are free.
const (
	starttlsPort = 2525
	implicitPort = 2465
)

// listen binds the ports, on loopback only.
func (s *sandbox) listen(port *int64) (err error) {
	one, other := starttlsPort, implicitPort
	if port != nil {
		one = int(*port)
	}
	if one == 0 {
		other = 0
	}
	if s.starttls, err = s.loopback(one, port == nil); err != nil {
		return err
	}
	if s.implicit, err = s.loopback(other, true); err != nil {
		return err
	}
	s.hop, err = s.loopback(0, false)
	return err
}

// loopback binds a port, or with orAny any free port if that one is taken.
func (s *sandbox) loopback(port int, orAny bool) (net.Listener, error) {
	ln, err := s.program.Listen("tcp", loopbackAddr(port))
	if err != nil && orAny {
		ln, err = s.program.Listen("tcp", loopbackAddr(0))
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, exit.Fail(exit.Failed, "choose another one with --port N; --port 0 takes any", "listen on %s: %w", loopbackAddr(port), err)
	case err != nil:
		return nil, exit.Fail(exit.Failed, s.program.Advice(err), "listen on %s: %w", loopbackAddr(port), err)
	}
	return ln, nil
}

func loopbackAddr(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// bound gives the relay the sockets that the sandbox has bound.
func (s *sandbox) bound(network, addr string) (net.Listener, error) {
	for _, ln := range []net.Listener{s.starttls, s.implicit} {
		if ln.Addr().String() == addr {
			return ln, nil
		}
	}
	return nil, &net.OpError{Op: "listen", Net: network, Err: syscall.EADDRNOTAVAIL}
}
