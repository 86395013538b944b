package mailer

import (
	"bufio"
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"relay/mailer/settings"
	"relay/mailer/sign"
	"relay/quota"
	"relay/store"
	"relay/store/behalf"
	"relay/store/bodies"
	"relay/store/books"
	"relay/store/orders"
)

// sink is a next hop that throws everything away, as cheaply as it can. It does work for
// each message.
func sink(b *testing.B, taken *atomic.Int64, work func()) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go swallow(c, taken, work)
		}
	}()
	return l
}

func swallow(c net.Conn, taken *atomic.Int64, work func()) {
	defer c.Close()
	r, w := bufio.NewReaderSize(c, 32<<10), bufio.NewWriter(c)
	say := func(s string) {
		_, _ = w.WriteString(s)
		if r.Buffered() == 0 {
			_ = w.Flush()
		}
	}
	say("220 sink\r\n")
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		switch {
		case bytes.HasPrefix(line, []byte("EHLO")):
			say("250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
		case bytes.HasPrefix(line, []byte("DATA")):
			say("354 go on\r\n")
			for {
				line, err := r.ReadSlice('\n')
				if err != nil {
					return
				}
				if len(line) == 3 && line[0] == '.' {
					break
				}
			}
			work()
			taken.Add(1)
			say("250 ok\r\n")
		case bytes.HasPrefix(line, []byte("QUIT")):
			say("221 bye\r\n")
			_ = w.Flush()
			return
		default:
			say("250 ok\r\n")
		}
	}
}

// BenchmarkMailer empties a spool of 10 KB messages into a smarthost. cpu/msg
// holds the sink's part too, about a tenth.
func BenchmarkMailer(b *testing.B) {
	b.Run("unsigned", func(b *testing.B) { benchMailer(b, nil, func() {}) })
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	key := &sign.Key{Domain: "relay.test", Selector: "s1", Private: private}
	b.Run("signed", func(b *testing.B) { benchMailer(b, key, func() {}) })
	operation := func() {
		if _, err := private.Sign(rand.Reader, make([]byte, sha256.Size), crypto.SHA256); err != nil {
			b.Error(err)
		}
	}
	// Mail that comes slower is committed in smaller groups. This is as slow as signed mail.
	b.Run("unsigned with RSA beside", func(b *testing.B) { benchMailer(b, nil, operation) })
	b.Run("RSA", func(b *testing.B) { // the one operation, on all processors as there
		began := cpu()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				operation()
			}
		})
		b.ReportMetric(float64(cpu()-began)/float64(b.N)/1e3, "µs-cpu/msg")
	})
}

// benchMailer has all mail signed by key; nil: by nobody. The sink does work for each.
func benchMailer(b *testing.B, key *sign.Key, work func()) {
	log := slog.New(slog.NewTextHandler(discard{}, nil))
	st, err := store.Open(filepath.Join(b.TempDir(), "relay.db"), store.Options{Log: log})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	now := st.Now()
	_, err = st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "acme", ServiceSignature: key != nil}, Plan: quota.Plan{Name: "p", Term: quota.Year}})
	if err != nil {
		b.Fatal(err)
	}
	body := []byte(content + strings.Repeat(strings.Repeat("0123456789", 7)+"\r\n", 142))
	for range b.N {
		m := message("you@example.test")
		m.Size, m.Expires = int64(len(body)), now.Add(time.Hour)
		body0 := st.Bodies.NewOf(bodies.Sender{Account: m.Account})
		_, _ = body0.Write(body)
		if r, err := st.Accept(store.Intake{Message: m, Body: body0}); r != nil || err != nil {
			b.Fatal(r, err)
		}
	}
	var taken atomic.Int64
	l := sink(b, &taken, work)
	defer l.Close()
	cfg := settings.Config{Hostname: "relay.test", HostKey: key}
	addr := netip.MustParseAddrPort(l.Addr().String())
	cfg.Smarthost.Host, cfg.Smarthost.Port = addr.Addr().String(), int(addr.Port())
	m, err := New(st.Spool, cfg, log)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	began := cpu()
	b.ResetTimer()
	go func() { ended <- m.Run(ctx) }()
	for {
		if sum, _ := st.Spool.Totals(); sum.Messages == 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	b.StopTimer()
	b.ReportMetric(float64(cpu()-began)/float64(b.N)/1e3, "µs-cpu/msg")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
	cancel()
	if err := <-ended; err != nil || int(taken.Load()) != b.N {
		b.Errorf("Run: %v, %d of %d taken", err, taken.Load(), b.N)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
