package smtp

import (
	"flag"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
)

var (
	heldSessions = flag.Int("sessions", 1000, "sessions in BenchmarkHeld")
	heldOctets   = flag.Int("held", 5_000_000, "octets that each of them has sent")
)

// sessions are clients in the middle of a message.
type sessions struct {
	t     testing.TB
	conns []net.Conn
}

// openMany brings n clients to the beginning of their content.
func (f *fixture) openMany(n int) *sessions {
	all := &sessions{f.t, make([]net.Conn, n)}
	for i := range all.conns {
		a, b := net.Pipe()
		f.ls[None].ch <- &counted{Conn: b, from: net.TCPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.1:1234"))}
		all.conns[i] = a
	}
	all.each(func(_ int, c net.Conn) error {
		buf := make([]byte, 4096)
		if _, err := c.Read(buf); err != nil {
			return err
		}
		for _, say := range []string{"EHLO me\r\n", "MAIL FROM:<a@b.example>\r\n", "RCPT TO:<c@d.example>\r\n", "DATA\r\n"} {
			if _, err := io.WriteString(c, say); err != nil {
				return err
			}
			if _, err := c.Read(buf); err != nil {
				return err
			}
		}
		_, err := io.WriteString(c, "Subject: x\r\n\r\n")
		return err
	})
	return all
}

// each runs fn for all clients at the same time.
func (s *sessions) each(fn func(int, net.Conn) error) {
	s.t.Helper()
	var wg sync.WaitGroup
	for i, c := range s.conns {
		wg.Go(func() {
			if err := fn(i, c); err != nil {
				s.t.Errorf("session %d: %v", i, err)
			}
		})
	}
	wg.Wait()
}

// send hands over n octets of each. A pipe has no buffer: they are read when it returns.
func (s *sessions) send(n int) {
	s.t.Helper()
	line := []byte(strings.Repeat(strings.Repeat("x", 98)+"\r\n", 100))
	s.each(func(_ int, c net.Conn) error {
		for left := n; left > 0; left -= len(line) {
			if _, err := c.Write(line); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *sessions) close() {
	for _, c := range s.conns {
		_ = c.Close()
	}
}

// Sessions in the middle of a large message hold little memory each, and no more
// when the message goes on.
func TestMemory_manySessions(t *testing.T) {
	const n, budget = 100, 4 << 20
	f := start(t, setup{cfg: Config{ConnectionsPerAddress: -1, StagedPerAccount: -1}, network: "192.0.2.0/24", memory: budget})
	defer f.stop()
	before := live()
	all := f.openMany(n)
	defer all.close()
	for _, octets := range []int{400_000, 400_000, 1_200_000} {
		all.send(octets)
		if got, most := live()-before, int64(budget+n*(256<<10)); got > most {
			t.Errorf("%d sessions hold %d octets, want at most %d", n, got, most)
		}
	}
}

// live is the heap that is in use.
func live() int64 {
	runtime.GC()
	runtime.GC() // what pools keep
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// BenchmarkHeld has -sessions clients in the middle of large messages, and says what
// each costs in memory half way and at the end.
func BenchmarkHeld(b *testing.B) {
	for b.Loop() {
		f := start(b, setup{cfg: Config{ConnectionsPerAddress: -1, ConnectionsPerAccount: -1, StagedPerAccount: -1}, network: "192.0.2.0/24"})
		all := f.openMany(*heldSessions)
		for _, part := range []string{"half", "end"} {
			all.send(*heldOctets / 2)
			b.ReportMetric(float64(anonymous(b))/float64(*heldSessions)/(1<<20), part+"-MiB/session")
		}
		all.close()
		f.stop()
	}
}

// anonymous is the process's memory without pages of files, in octets.
func anonymous(b *testing.B) int64 {
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("no /proc here")
	}
	for line := range strings.Lines(string(raw)) {
		if v, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(v)[0])
			return int64(kb) << 10
		}
	}
	b.Skip("no RssAnon in it")
	return 0
}
