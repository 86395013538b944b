package client

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
)

func TestConnError_Status(t *testing.T) {
	dial := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 25}, Err: err}
	}
	tests := []struct {
		e    ConnError
		want string
	}{
		{ConnError{Stage: StageGreeting, Reply: Reply{Code: 554, Text: "go away"}}, "554 go away"},
		{ConnError{Stage: StageConnect, Err: dial(os.NewSyscallError("connect", syscall.ECONNREFUSED))}, "451 4.4.1 connect: connection refused"},
		{ConnError{Stage: StageConnect, Err: dial(os.ErrDeadlineExceeded)}, "451 4.4.1 connect: no answer in time"},
		{ConnError{Stage: StageMail, Err: dial(os.NewSyscallError("read", syscall.ECONNRESET))}, "451 4.4.2 MAIL: read: connection reset by peer"},
		{ConnError{Stage: StageEnd, Err: io.EOF}, "451 4.4.2 end: connection closed"},
		{ConnError{Stage: StageHandshake, Err: errors.New("tls: bad certificate")}, "451 4.7.5 TLS handshake: tls: bad certificate"},
		{ConnError{Stage: StageStartTLS, Err: ErrNoTLS}, "451 4.7.10 STARTTLS: the next hop does not offer STARTTLS"},
		{ConnError{Stage: StageAuth, Err: ErrInsecure}, "451 4.7.0 AUTH: no login without TLS"},
		{ConnError{Stage: StageRcpt, Err: ErrProtocol}, "451 4.5.0 RCPT: not an SMTP reply"},
		{ConnError{Stage: StageContent, Err: ErrSlow}, "451 4.4.2 content: the next hop takes the content too slowly"},
		{ConnError{Stage: StageContent, Err: fmt.Errorf("%w: %w", ErrContent, io.EOF)}, "451 4.3.0 local error"},
		{ConnError{Stage: StageContent, Err: fmt.Errorf("store: %w", ErrBareCR)}, "554 5.6.0 the message has a bare CR and cannot be sent"},
	}
	for _, tt := range tests {
		if got := tt.e.Status().String(); got != tt.want {
			t.Errorf("Status() of %v = %q, want %q", tt.e.Err, got, tt.want)
		}
	}
}
