package kernel

import (
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
)

func TestParseListeners(t *testing.T) {
	const four = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0019 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0000000000000000 100 0 0 10 0
   1: 00000000:024B 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 777 1 0000000000000000 100 0 0 10 0
   2: 0100007F:024B 0100007F:9C40 01 00000000:00000000 00:00000000 00000000   101        0 888 1 0000000000000000 20 4 30 10 -1
   3: broken
`
	const six = `  sl  local_address                         remote_address                        st
   0: 00000000000000000000000001000000:01D1 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 99 1
   1: 0000000000000000FFFF00000100007F:0019 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 98 1
`
	for text, want := range map[string][]listening{
		four: {{netip.MustParseAddrPort("127.0.0.1:25"), 12345}, {netip.MustParseAddrPort("0.0.0.0:587"), 777}},
		six:  {{netip.MustParseAddrPort("[::1]:465"), 99}, {netip.MustParseAddrPort("127.0.0.1:25"), 98}},
	} {
		got := parseListeners(text)
		if len(got) != len(want) {
			t.Errorf("%d listeners, want %d: %v", len(got), len(want), got)
			continue
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("listener %d: %v, want %v", i, got[i], want[i])
			}
		}
	}
}

func TestOverlap(t *testing.T) {
	for _, c := range []struct {
		host, bound string
		want        bool
	}{
		{"", "127.0.0.1", true}, {"0.0.0.0", "192.0.2.1", true}, {"::", "127.0.0.1", true},
		{"127.0.0.1", "0.0.0.0", true}, {"127.0.0.1", "::", true}, {"127.0.0.1", "127.0.0.1", true},
		{"127.0.0.1", "192.0.2.1", false}, {"192.0.2.1", "::1", false},
	} {
		if got := overlap(c.host, netip.MustParseAddr(c.bound)); got != c.want {
			t.Errorf("overlap(%q, %s) = %v", c.host, c.bound, got)
		}
	}
}

// A port that this process has is in use by this process.
func TestPortUsers(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Log(err)
			continue
		}
		got := PortUsers(l.Addr().String())
		if len(got) != 1 || got[0].PID != os.Getpid() || got[0].Name == "" {
			t.Errorf("PortUsers(%s) = %v, want this process, %d", l.Addr(), got, os.Getpid())
		}
		l.Close()
		if got := PortUsers(l.Addr().String()); got != nil {
			t.Errorf("PortUsers of a closed port = %v", got)
		}
	}
}

func TestParseFileLimit(t *testing.T) {
	const text = "Limit                     Soft Limit           Hard Limit           Units     \nMax cpu time              unlimited            unlimited            seconds   \nMax open files            1024                 524288               files     \n"
	if n, err := parseFileLimit(text); n != 1024 || err != nil {
		t.Errorf("parseFileLimit = %d, %v", n, err)
	}
	if n, err := parseFileLimit(strings.Replace(text, "1024  ", "unlimited", 1)); n < 1<<32 || err != nil {
		t.Errorf("unlimited: parseFileLimit = %d, %v", n, err)
	}
	for _, bad := range []string{"", "Max open files\n", "Max open files  some\n"} {
		if n, err := parseFileLimit(bad); err == nil {
			t.Errorf("parseFileLimit(%q) = %d", bad, n)
		}
	}
	if n, err := FileLimit(os.Getpid()); n == 0 || err != nil {
		t.Errorf("this process: %d, %v", n, err)
	}
}
