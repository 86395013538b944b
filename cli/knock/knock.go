// Package knock tries a listener of this machine's relay as a mail program does, for relay check
// and relay test: it connects, judges the certificate, and says in few words why a peer does not
// answer.
package knock

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"
)

// Patience is how long a peer on the network may take to answer.
const Patience = 5 * time.Second

// Dial connects to a listener of the relay. Where the relay takes this machine for one of its
// balancers, it expects the PROXY protocol's line first.
func Dial(ctx context.Context, addr string, balancers []netip.Prefix) (net.Conn, error) {
	d := net.Dialer{Timeout: Patience}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	from, err := netip.ParseAddrPort(conn.LocalAddr().String())
	if err == nil && slices.ContainsFunc(balancers, func(n netip.Prefix) bool { return n.Contains(from.Addr().Unmap()) }) {
		_, err = fmt.Fprint(conn, "PROXY UNKNOWN\r\n") // the relay then goes by the connection's own address
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// Address turns the address that a listener is bound to into one to dial.
func Address(bound string) string {
	host, port, err := net.SplitHostPort(bound)
	if err != nil {
		return bound
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// Verify verifies the first certificate of a chain by the others and this machine's authorities.
// With name "" the certificate may be for any name.
func Verify(chain []*x509.Certificate, name string, now time.Time) error {
	between := x509.NewCertPool()
	for _, cert := range chain[1:] {
		between.AddCert(cert)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Intermediates: between, DNSName: name, CurrentTime: now})
	return err
}

// Why shortens a network error to the peer and the cause.
func Why(err error) string {
	op, isOp := errors.AsType[*net.OpError](err)
	if ne, isNet := errors.AsType[net.Error](err); isNet && ne.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		if isOp && op.Addr != nil {
			return "no answer from " + op.Addr.String()
		}
		return "no answer in time"
	}
	if !isOp || op.Addr == nil {
		return err.Error()
	}
	text := op.Err.Error()
	if sys, isSys := errors.AsType[*os.SyscallError](op.Err); isSys {
		text = sys.Err.Error()
	}
	return op.Addr.String() + ": " + text
}
