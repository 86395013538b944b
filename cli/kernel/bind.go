package kernel

import (
	"errors"
	"io/fs"
	"syscall"
)

// BindAdvice says what to do about an address that cannot be bound; "" if nothing is known.
func BindAdvice(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "ports below 1024 need privileges: run as root, or setcap cap_net_bind_service=+ep on the binary"
	case errors.Is(err, syscall.EADDRINUSE):
		return "another program listens there: stop it, or choose another port in [[listen]]"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "the address is not one of this machine's"
	}
	return ""
}
