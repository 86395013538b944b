package kernel

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// SyncData puts on disk what was written to f.
func SyncData(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }

// ReadClock asks the kernel whether a time server keeps its clock (adjtimex(2)).
func ReadClock() (ClockState, error) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return ClockState{}, fmt.Errorf("adjtimex: %w", err)
	}
	return ClockState{
		Synced: state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0,
		Off:    time.Duration(t.Maxerror) * time.Microsecond,
	}, nil
}

// FileLimit is how many files a process may have open.
func FileLimit(pid int) (uint64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil {
		return 0, err
	}
	return parseFileLimit(string(text))
}

// PortUsers are the processes that listen where addr would, of those that this process
// may see.
func PortUsers(addr string) (list []Process) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil
	}
	var inodes []string
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for _, s := range parseListeners(string(text)) {
			if strconv.Itoa(int(s.addr.Port())) == port && overlap(host, s.addr.Addr()) {
				inodes = append(inodes, fmt.Sprintf("socket:[%d]", s.inode))
			}
		}
	}
	if inodes == nil {
		return nil
	}
	fds, _ := filepath.Glob("/proc/[0-9]*/fd/*") // the others are left out
	for _, fd := range fds {
		if link, err := os.Readlink(fd); err != nil || !slices.Contains(inodes, link) {
			continue
		}
		dir := filepath.Dir(filepath.Dir(fd))
		pid, _ := strconv.Atoi(filepath.Base(dir)) // digits
		name, err := os.ReadFile(filepath.Join(dir, "comm"))
		p := Process{strings.TrimSpace(string(name)), pid}
		if err == nil && !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	return list
}

// overlap reports whether a socket bound to a keeps others from host.
func overlap(host string, a netip.Addr) bool {
	want, err := netip.ParseAddr(host)
	return err != nil || want.IsUnspecified() || a.IsUnspecified() || want.Unmap() == a.Unmap()
}

// listening is a line of /proc/net/tcp or tcp6.
type listening struct {
	addr  netip.AddrPort
	inode uint64
}

const stateListen = "0A"

// parseListeners reads the sockets that listen (proc_net_tcp(5)).
func parseListeners(text string) (list []listening) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 10 || words[3] != stateListen {
			continue
		}
		addr, err := parseKernelAddr(words[1])
		inode, err2 := strconv.ParseUint(words[9], 10, 64)
		if err == nil && err2 == nil {
			list = append(list, listening{addr, inode})
		}
	}
	return list
}

// parseKernelAddr reads "0100007F:0019": words of four octets in the machine's
// order, and the port.
func parseKernelAddr(s string) (netip.AddrPort, error) {
	text, port, _ := strings.Cut(s, ":")
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw)%4 != 0 {
		return netip.AddrPort{}, fmt.Errorf("%q is no address", s)
	}
	for i := 0; i < len(raw); i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	a, isAddr := netip.AddrFromSlice(raw)
	n, err := strconv.ParseUint(port, 16, 16)
	if err != nil || !isAddr {
		return netip.AddrPort{}, fmt.Errorf("%q is no address", s)
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(n)), nil
}

// parseFileLimit reads the soft limit of open files from /proc/PID/limits.
func parseFileLimit(text string) (uint64, error) {
	for line := range strings.Lines(text) {
		rest, found := strings.CutPrefix(line, "Max open files")
		words := strings.Fields(rest)
		if !found || len(words) == 0 {
			continue
		}
		if words[0] == "unlimited" {
			return 1 << 62, nil
		}
		return strconv.ParseUint(words[0], 10, 64)
	}
	return 0, fmt.Errorf("no limit of open files in it")
}
