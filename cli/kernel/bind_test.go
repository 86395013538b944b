package kernel

import (
	"io/fs"
	"net"
	"strings"
	"syscall"
	"testing"
)

func TestBindAdvice(t *testing.T) {
	for err, want := range map[error]string{
		fs.ErrPermission:      "ports below 1024",
		syscall.EACCES:        "ports below 1024",
		syscall.EADDRINUSE:    "another program",
		syscall.EADDRNOTAVAIL: "not one of this machine's",
	} {
		if got := BindAdvice(&net.OpError{Op: "listen", Err: err}); !strings.Contains(got, want) {
			t.Errorf("BindAdvice(%v) = %q, want %q in it", err, got, want)
		}
	}
	if got := BindAdvice(net.ErrClosed); got != "" {
		t.Errorf("BindAdvice(%v) = %q", net.ErrClosed, got)
	}
}
