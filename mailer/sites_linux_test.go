package mailer

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"relay/mailer/pace"
	"relay/mailer/route"
	"relay/mailer/settings"
	"relay/quota"
	"relay/store"
	"relay/store/behalf"
	"relay/store/bodies"
	"relay/store/books"
	"relay/store/orders"
)

var (
	sitesFlag  = flag.Int("sites", 10_000, "sites in BenchmarkSites")
	queuedFlag = flag.Int("queued", 100_000, "recipients in its queue")
	lastsFlag  = flag.Duration("lasts", 20*time.Second, "how long it is watched")
)

// everyDomain has a host of its own, and all of them are one sink.
type everyDomain struct{ sink string }

func (everyDomain) LookupMX(_ context.Context, domain string) ([]route.MX, error) {
	return []route.MX{{Host: domain + ".many.test"}}, nil
}

func (everyDomain) LookupAddrs(_ context.Context, host string) ([]netip.Addr, error) {
	var n int
	if _, err := fmt.Sscanf(host, "d%d.example.many.test", &n); err != nil {
		return nil, route.ErrNotFound
	}
	return []netip.Addr{netip.AddrFrom4([4]byte{192, byte(n >> 16), byte(n >> 8), byte(n)})}, nil
}

func (d everyDomain) Dial(ctx context.Context, _ netip.Addr, _ netip.AddrPort) (net.Conn, error) {
	var dialer net.Dialer
	return dialer.DialContext(ctx, "tcp", d.sink)
}

// pieces are how long the schedule's work took, one piece after the other, by the CPU's
// clock: the machine may do other things meanwhile.
type pieces struct {
	mu   sync.Mutex
	took []time.Duration
}

func (p *pieces) measure(fn func()) {
	runtime.LockOSThread() // whose clock it is
	defer runtime.UnlockOSThread()
	began := threadCPU()
	fn()
	took := threadCPU() - began
	p.mu.Lock()
	defer p.mu.Unlock()
	p.took = append(p.took, took)
}

func (p *pieces) reset() (list []time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	list, p.took = p.took, nil
	slices.Sort(list)
	return list
}

func threadCPU() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts) // it is there since Linux 2.6.12
	return time.Duration(ts.Nano())
}

// BenchmarkSites has a queue for -sites sites, each of which takes six messages a minute,
// and says what a message costs, how long a piece of the schedule's work and Explain take,
// and how much memory is in use. The store's pages, which the system may take back, are
// not counted. For the figures in docs/measured.md:
//
//	go test ./mailer -run '^$' -bench Sites -benchtime 1x -timeout 1h -queued 1000000 -lasts 1m
func BenchmarkSites(b *testing.B) {
	debug.SetMemoryLimit(150 << 20)
	defer debug.SetMemoryLimit(-1)
	st, m, p := manySites(b)
	defer st.Close()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	watch(b, "start", st, m, p)
	watch(b, "later", st, m, p)
	runtime.GC()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	b.ReportMetric(float64(mem.HeapAlloc>>20), "live-MB")
	cancel()
	if err := <-ended; err != nil {
		b.Error(err)
	}
}

// manySites is a mailer that does not run yet, and its queue.
func manySites(b *testing.B) (*store.Store, *Mailer, *pieces) {
	log := slog.New(slog.NewTextHandler(discard{}, nil))
	st, err := store.Open(filepath.Join(b.TempDir(), "relay.db"), store.Options{Log: log})
	if err != nil {
		b.Fatal(err)
	}
	fillSites(b, st)
	rows, err := pace.Read("rows.toml", []byte("[[row]]\nname = \"paced\"\nmx = [\"many.test\"]\nprudent = \"2/10/6\"\nnormal = \"2/10/6\"\n"))
	if err != nil {
		b.Fatal(err)
	}
	l := sink(b, &atomic.Int64{}, func() {})
	b.Cleanup(func() { l.Close() })
	every := everyDomain{l.Addr().String()}
	m, err := New(st.Spool, settings.Config{Hostname: "relay.test", DNS: every, Dialer: every, AllowPrivate: true, Rows: rows,
		Profile: pace.Normal, NewProfile: pace.Normal, FirstCap: -1}, log)
	if err != nil {
		b.Fatal(err)
	}
	p := &pieces{}
	m.timed = p.measure
	return st, m, p
}

// fillSites puts messages of 1 KB from ten accounts into the queue.
func fillSites(b *testing.B, st *store.Store) {
	const accounts = 10
	for a := range accounts {
		_, err := st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: fmt.Sprint("a", a)}, Plan: quota.Plan{Name: "p", Term: quota.Year}})
		if err != nil {
			b.Fatal(err)
		}
	}
	body := []byte(content + strings.Repeat(strings.Repeat("0123456789", 7)+"\r\n", 12))
	expires := st.Now().Add(5 * 24 * time.Hour)
	var next atomic.Int64
	var done sync.WaitGroup
	for range 64 {
		done.Go(func() {
			for i := int(next.Add(1)); i <= *queuedFlag; i = int(next.Add(1)) {
				m := message(fmt.Sprintf("you@d%d.example", i%*sitesFlag))
				m.Account, m.Size, m.Expires = fmt.Sprint("a", i / *sitesFlag % accounts), int64(len(body)), expires
				text := st.Bodies.NewOf(bodies.Sender{Account: m.Account})
				_, _ = text.Write(body)
				if r, err := st.Accept(store.Intake{Message: m, Body: text}); r != nil || err != nil {
					b.Error(r, err)
					return
				}
			}
		})
	}
	done.Wait()
}

// watch lets the mailer run for a while, and reports.
func watch(b *testing.B, when string, st *store.Store, m *Mailer, p *pieces) {
	before, err := st.Spool.Totals()
	if err != nil {
		b.Fatal(err)
	}
	p.reset()
	began, spent := time.Now(), cpu()
	var most int
	var explained, scraped []time.Duration
	for time.Since(began) < *lastsFlag {
		time.Sleep(100 * time.Millisecond)
		asked := time.Now()
		if _, err := m.Explain(context.Background(), "d5.example", "a1"); err != nil {
			b.Fatal(err)
		}
		explained = append(explained, time.Since(asked))
		asked = time.Now()
		if _, err := m.Load(context.Background()); err != nil {
			b.Fatal(err)
		}
		if _, _, err := st.Spool.Ages(time.Hour); err != nil {
			b.Fatal(err)
		}
		scraped = append(scraped, time.Since(asked))
		most = max(most, anonymous())
	}
	spent = cpu() - spent
	after, _ := st.Spool.Totals()
	list := p.reset()
	slices.Sort(explained)
	slices.Sort(scraped)
	at := func(list []time.Duration, share float64) float64 {
		return float64(list[int(share*float64(len(list)-1))]) / float64(time.Microsecond)
	}
	sent := before.Messages - after.Messages
	for unit, value := range map[string]float64{
		"msg/s": float64(sent) / time.Since(began).Seconds(), "µs-cpu/msg": float64(spent.Microseconds()) / float64(max(sent, 1)),
		"piece-p50-µs": at(list, 0.5), "piece-p99-µs": at(list, 0.99), "piece-p99.9-µs": at(list, 0.999), "piece-max-µs": at(list, 1),
		"explain-p50-µs": at(explained, 0.5), "explain-p99-µs": at(explained, 0.99), "scrape-p50-µs": at(scraped, 0.5), "scrape-p99-µs": at(scraped, 0.99), "MB": float64(most >> 10),
	} {
		b.ReportMetric(value, when+"-"+unit)
	}
}

// anonymous is the memory of this process that is not a file's, in KB.
func anonymous() (kb int) {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			_, _ = fmt.Sscan(rest, &kb)
		}
	}
	return kb
}
