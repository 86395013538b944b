package store

import (
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"relay/quota"
	"relay/store/bucket"
	"relay/store/outcomes"
	"relay/store/room"
)

var accountCount = flag.Int("accounts", 10_000, "accounts in the benchmarks of the books")

// manyAccounts opens a store with n accounts of a year, without a price.
func manyAccounts(b *testing.B, n int) (*Store, *clock) {
	b.Helper()
	c := &clock{t: epoch}
	s := openBooks(b, filepath.Join(b.TempDir(), "relay.db"), c)
	b.Cleanup(func() { _ = s.Close() })
	names := make(chan int)
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			for i := range names {
				order(b, s, accountName(i), free, quota.Continue)
			}
		})
	}
	for i := range n {
		names <- i
	}
	close(names)
	wg.Wait()
	return s, c
}

func accountName(i int) string { return fmt.Sprintf("account-%06d", i) }

// use stores what accounts from to to used on the present day, one in ten of them over its allowance.
func use(b *testing.B, s *Store, from, to int) {
	b.Helper()
	err := s.update(0, func(t *tx) error {
		t.Touch()
		for i := from; i < to; i++ {
			u := t.s.Books.ChargesIn(&t.Tx, accountName(i), "2026-11")
			u.Charged, u.Day = quota.Charge{Messages: 900, Bytes: gb / 2}, room.Day(t.Now, t.s.zone)
			if err := t.Write(bucket.Usage, progressKey(accountName(i), "2026-11"), outcomes.Progress{Delivered: 900}); err != nil {
				return err
			}
			if i%10 == 0 {
				u.Charged.Bytes = gb + int64(i%4)*gb + gb/3
			}
			u.Today = u.Charged
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkCloseBy turns a month for -accounts accounts, one in ten with
// overage, while eight sessions go on handing over messages, and says how long
// these waited, before and meanwhile.
func BenchmarkCloseBy(b *testing.B) {
	for b.Loop() {
		s, c := manyAccounts(b, *accountCount)
		order(b, s, "zz-sender", quota.Plan{Name: "p", Term: quota.Year}, "")
		for i := 0; i < *accountCount; i += 1000 {
			use(b, s, i, min(i+1000, *accountCount))
		}
		c.set(december)
		mustSend(b, s, "zz-sender", 10, 1) // closes its own month
		var mu sync.Mutex
		var waits []time.Duration
		stop := make(chan struct{})
		var senders sync.WaitGroup
		for range 8 {
			senders.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					start := time.Now()
					mustSend(b, s, "zz-sender", 10, 1)
					mu.Lock()
					waits = append(waits, time.Since(start))
					mu.Unlock()
					time.Sleep(2 * time.Millisecond)
				}
			})
		}
		report := func(name string) {
			mu.Lock()
			defer mu.Unlock()
			slices.Sort(waits)
			b.ReportMetric(float64(waits[len(waits)-1].Microseconds())/1000, name+"-max-ms")
			b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds())/1000, name+"-p99-ms")
			b.ReportMetric(float64(len(waits)), name+"-msgs")
			waits = nil
		}
		time.Sleep(2 * time.Second)
		report("idle")
		start := time.Now()
		n, err := closeNow(b.Context(), s)
		b.ReportMetric(time.Since(start).Seconds(), "close-s")
		report("closing")
		close(stop)
		senders.Wait()
		if err != nil || n != *accountCount {
			b.Fatalf("CloseBy = %d, %v", n, err)
		}
	}
}

// BenchmarkAccept_accounts takes messages of 10 accounts in a store of 10 and of
// -accounts accounts, and of all of these, in turn, and says how long one took:
// of each the median of its rounds.
func BenchmarkAccept_accounts(b *testing.B) {
	const messages = 4000
	sets := []struct {
		name   string
		in, of int
		s      *Store
		n      atomic.Int64
		took   []time.Duration
	}{{name: "10-of-10", in: 10, of: 10}, {name: "10-of-many", in: *accountCount, of: 10}, {name: "many-of-many", in: *accountCount, of: *accountCount}}
	for i := range sets {
		sets[i].s, _ = manyAccounts(b, sets[i].in)
	}
	for b.Loop() {
		for i := range sets {
			x := &sets[i]
			start, end := time.Now(), x.n.Load()+messages
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() {
					for n := x.n.Add(1); n <= end; n = x.n.Add(1) {
						in := intake(x.s, accountName(int(n*7919)%x.of), 10_240, "x@a.test") // a prime: in no order
						in.Login = ""
						if r, err := x.s.Accept(in); err != nil || r != nil {
							b.Errorf("Accept = %+v, %v", r, err)
							return
						}
					}
				})
			}
			wg.Wait()
			x.took = append(x.took, time.Since(start))
		}
	}
	for i := range sets {
		x := &sets[i]
		slices.Sort(x.took)
		b.ReportMetric(float64(x.took[len(x.took)/2].Nanoseconds())/messages/1000, x.name+"-µs")
	}
}
