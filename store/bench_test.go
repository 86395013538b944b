package store

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"relay/quota"
	"relay/store/spool"
	"relay/store/spooled"
)

var backlogSize = flag.Int("backlog", 20_000, "messages in BenchmarkBacklog")

// BenchmarkAccept takes 10 KB messages from 50 sessions at once.
func BenchmarkAccept(b *testing.B) {
	s, _ := newStore(b)
	addAccount(b, s, "acme", quota.Plan{})
	benchAccept(b, s)
}

// BenchmarkAccept_watched is BenchmarkAccept with somebody who watches all of it.
func BenchmarkAccept_watched(b *testing.B) {
	s, _ := newStore(b)
	addAccount(b, s, "acme", quota.Plan{})
	w := s.Trace.Watch(nil)
	defer w.Close()
	var reader sync.WaitGroup
	reader.Go(func() {
		for n := 0; n < b.N; {
			list, missed, err := w.Take(b.Context())
			if err != nil || missed > 0 {
				b.Errorf("%d missed, %v", missed, err)
				return
			}
			n += len(list)
		}
	})
	benchAccept(b, s)
	reader.Wait()
}

func benchAccept(b *testing.B, s *Store) {
	b.SetParallelism(25)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			accept(b, s, "acme", 10_240, "x@a.test")
		}
	})
	b.StopTimer()
}

// BenchmarkLife accepts, claims, reads and settles 10 KB messages, 50 at a time.
func BenchmarkLife(b *testing.B) {
	s, _ := newStore(b)
	addAccount(b, s, "acme", quota.Plan{})
	b.ReportAllocs()
	for b.Loop() {
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { accept(b, s, "acme", 10_240, "x@a.test") })
		}
		wg.Wait()
		for _, c := range claim(b, s, "a.test", "acme", 50) {
			wg.Go(func() { settle(b, s, c, spooled.Delivered) })
		}
		wg.Wait()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*50), "µs/msg")
}

// BenchmarkBacklog takes -backlog messages of 2 KB in and out again, and says
// how fast the first and the last tenth were taken, how long a start takes
// after a clean stop and after a kill (a copy of the live file), and the rate
// when the backlog is gone.
func BenchmarkBacklog(b *testing.B) {
	c := &clock{t: epoch}
	path := filepath.Join(b.TempDir(), "relay.db")
	s := reopen(b, path, c)
	addAccount(b, s, "acme", quota.Plan{})
	take := func(n int) float64 {
		start := time.Now()
		var wg sync.WaitGroup
		var next atomic.Int64
		for range 50 {
			wg.Go(func() {
				for next.Add(1) <= int64(n) {
					accept(b, s, "acme", 2048, "x@a.test")
				}
			})
		}
		wg.Wait()
		return float64(n) / time.Since(start).Seconds()
	}
	timed := func(fn func()) float64 { start := time.Now(); fn(); return time.Since(start).Seconds() }

	const probe = 5000
	b.ReportMetric(take(probe), "empty-msg/s")
	take(*backlogSize - 2*probe)
	b.ReportMetric(take(probe), "full-msg/s")
	killed := filepath.Join(b.TempDir(), "killed.db")
	if err := killedAs(killed, path); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(timed(func() {
		k := reopen(b, killed, c)
		b.StopTimer()
		defer k.Close()
	}), "start-after-kill-s")
	b.ReportMetric(timed(func() { _ = s.Close() }), "stop-s")
	b.ReportMetric(timed(func() { s = reopen(b, path, c) }), "start-s")
	b.ReportMetric(timed(func() {
		for {
			list := claim(b, s, "a.test", "acme", 128)
			if len(list) == 0 {
				return
			}
			results := make([]spool.Result, len(list))
			for i, c := range list {
				results[i] = spool.Result{ID: c.Message.ID, Domain: c.Domain, Outcomes: []spool.Outcome{{Rcpt: 0, State: spooled.Delivered}}}
			}
			if err := s.Spool.Settle(results...); err != nil {
				b.Fatal(err)
			}
		}
	}), "drain-s")
	b.ReportMetric(take(probe), "drained-msg/s")
	file, free := s.Size()
	b.ReportMetric(float64(file>>20), "file-MiB")
	b.ReportMetric(float64(free>>20), "free-MiB")
	b.ReportMetric(rss(b), "RSS-MiB")
	_ = s.Close()
}

func rss(b *testing.B) float64 {
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("no /proc here")
	}
	for line := range strings.Lines(string(raw)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(v)[0])
			return float64(kb) / 1024
		}
	}
	return 0
}
