package smtp

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"relay/quota"
	"relay/smtp/align"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/orders"
	"relay/store/people"
)

// benchHeader has all that a header needs.
const benchHeader = "From: a@b.example\r\nTo: c@d.example\r\nSubject: sample\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\nMessage-ID: <x@b.example>\r\n\r\n"

// BenchmarkSession sends 10 KB messages over loopback into a store on disk.
func BenchmarkSession(b *testing.B) {
	for _, reuse := range []bool{true, false} {
		for _, clients := range []int{1, 50} {
			b.Run(fmt.Sprintf("reuse=%v/clients=%d", reuse, clients), func(b *testing.B) { benchSession(b, clients, reuse) })
		}
	}
}

func benchSession(b *testing.B, clients int, reuse bool) {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	st, err := store.Open(filepath.Join(b.TempDir(), "relay.db"), store.Options{Log: log})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	n := orders.NewAccount{Account: books.Account{Name: "acme"}, Plan: quota.Plan{Name: "p", Term: quota.Year}}
	if _, err := st.Orders.AddAccount(behalf.Order{}, n); err != nil {
		b.Fatal(err)
	}
	if err := st.People.AddNetwork(people.Network{Prefix: netip.MustParsePrefix("127.0.0.0/8"), Account: "acme"}); err != nil {
		b.Fatal(err)
	}
	cfg := Config{Hostname: "relay.example", MessagesPerConnection: -1}
	if os.Getenv("JUDGE") != "off" { // to see what it costs
		cfg.Judge = align.New(st, "relay.example", noSenders{}, log)
	}
	srv, err := New(st, cfg, log)
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- srv.Run(ctx, []Listener{{l, None}}) }()
	text := []byte(benchHeader + strings.Repeat(strings.Repeat("x", 76)+"\r\n", 126) + ".\r\n")
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var left atomic.Int64
	left.Store(int64(b.N))
	done := make(chan error, clients)
	b.ResetTimer()
	begin := time.Now()
	for range clients {
		go func() { done <- sendMany(l.Addr().String(), text, &left, reuse) }()
	}
	for range clients {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/time.Since(begin).Seconds(), "msg/s")
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}

func sendMany(addr string, text []byte, left *atomic.Int64, reuse bool) error {
	var conn net.Conn
	var r *bufio.Reader
	expect := func(code string) error {
		for {
			s, err := r.ReadSlice('\n')
			if err != nil {
				return err
			}
			if string(s[:3]) != code {
				return fmt.Errorf("%q, want %s", s, code)
			}
			if s[3] == ' ' {
				return nil
			}
		}
	}
	for left.Add(-1) >= 0 {
		if conn == nil {
			var err error
			if conn, err = net.Dial("tcp", addr); err != nil {
				return err
			}
			r = bufio.NewReader(conn)
			if err := expect("220"); err != nil {
				return err
			}
			if _, err := conn.Write([]byte("EHLO me\r\n")); err != nil {
				return err
			}
			if err := expect("250"); err != nil {
				return err
			}
		}
		for _, step := range []struct{ say, code string }{
			{"MAIL FROM:<a@b.example>\r\n", "250"}, {"RCPT TO:<c@d.example>\r\n", "250"}, {"DATA\r\n", "354"}, {"", "250"}} {
			say := []byte(step.say)
			if step.say == "" {
				say = text
			}
			if _, err := conn.Write(say); err != nil {
				return err
			}
			if err := expect(step.code); err != nil {
				return err
			}
		}
		if !reuse {
			_, _ = conn.Write([]byte("QUIT\r\n"))
			_ = expect("221")
			_ = conn.Close()
			conn = nil
		}
	}
	if conn != nil {
		return conn.Close()
	}
	return nil
}
