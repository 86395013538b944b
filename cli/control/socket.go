package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// Listen makes the socket. A file that is there already is removed: the caller
// holds the store's lock, so nobody can be listening.
func Listen(path string) (net.Listener, error) {
	if len(path) > MaxPath {
		return nil, fmt.Errorf("%w: %q has %d characters of at most %d", ErrPath, path, len(path), MaxPath)
	}
	if err := removeStale(path); err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	c := net.ListenConfig{Control: ownersOnly}
	l, err := c.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if err := os.Chmod(path, socketMode); err != nil {
		return nil, fmt.Errorf("control socket: %w", errors.Join(err, l.Close()))
	}
	return l, nil
}

const socketMode = 0o600

// ownersOnly gives the socket its mode from its first moment on, where the system can
// (Linux). A umask would also change files that other goroutines make at that moment.
func ownersOnly(_, _ string, conn syscall.RawConn) error {
	return conn.Control(func(fd uintptr) { _ = syscall.Fchmod(int(fd), socketMode) })
}

// removeStale removes the socket of a killed relay, and nothing that is not a socket.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is in the way and is no socket", path)
	}
	return os.Remove(path)
}

// dialError turns an error of dialling into one of the client's.
func dialError(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOTDIR):
		return ErrAbsent
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %s", ErrDenied, path)
	default:
		return fmt.Errorf("control socket: %w", err)
	}
}
