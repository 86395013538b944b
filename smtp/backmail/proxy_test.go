package backmail

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"relay/smtp/wire"
	"relay/store"
)

// balanced is a listener on a real socket that takes this machine for a balancer.
type balanced struct {
	t    *testing.T
	srv  *Server
	addr string
	mu   sync.Mutex
	from []netip.AddrPort // the clients of mail to test@
}

func listenBalanced(t *testing.T, cfg Config) *balanced {
	t.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	st, err := store.Open(filepath.Join(t.TempDir(), "relay.db"), store.Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	b := &balanced{t: t}
	cfg.Names, cfg.TLS = Names{Domain: "back.example", Host: "relay.example"}, certificate()
	cfg.Proxies = wire.Proxies{netip.MustParsePrefix("127.0.0.0/8")}
	cfg.Answer = func(_ context.Context, in *Incoming) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.from = append(b.from, in.Remote)
		return nil
	}
	if b.srv, err = New(st, cfg, log); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.addr = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.srv.Run(ctx, []net.Listener{l}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if !b.srv.gate.Empty() {
			t.Error("connections are still counted")
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// dial connects and begins with a text, which may be a PROXY header.
func (b *balanced) dial(begin string) *client {
	b.t.Helper()
	conn, err := net.Dial("tcp", b.addr)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = conn.Close() })
	c := &client{t: b.t, conn: conn}
	c.listen()
	c.send(begin)
	return c
}

const (
	headerOne = "PROXY TCP4 192.0.2.1 192.0.2.25 4711 25\r\n"
	headerTwo = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x02\xc0\x00\x02\x19\x12\x67\x00\x19" // 192.0.2.2, port 4711
	headerOwn = "PROXY UNKNOWN\r\n"
)

// Behind a balancer the client's own address counts: for limits, and in what is said about
// the mail. The balancer itself is not counted.
func TestServer_behindBalancer(t *testing.T) {
	b := listenBalanced(t, Config{ConnectionsPerAddress: 1})
	one, two := b.dial(headerOne), b.dial(headerTwo)
	one.do("", "220 ")
	two.do("", "220 ")
	again := b.dial(headerOne)
	again.do("", "421 4.7.0 too many connections from your address", "", "<close>")
	for range 2 {
		b.dial(headerOwn).do("", "220 ", "QUIT", "221 ")
	}
	two.do("EHLO dst.example", "250 ", "STARTTLS", "220 ")
	two.tls()
	for _, c := range []*client{one, two} {
		c.do("EHLO dst.example", "250 ", "MAIL FROM:<a@dst.example>", "250 ", "RCPT TO:<test@relay.example>", "250 ", "DATA", "354 ", "Subject: x\r\n\r\nx\r\n.", "250 ", "QUIT", "221 ")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.from) != 2 || b.from[0] != netip.MustParseAddrPort("192.0.2.1:4711") || b.from[1] != netip.MustParseAddrPort("192.0.2.2:4711") {
		t.Errorf("mail came from %v", b.from)
	}
}

// A listed balancer that sends no header is not greeted, and what comes from elsewhere cannot
// say that it comes from somebody else.
func TestServer_header(t *testing.T) {
	b := listenBalanced(t, Config{})
	for _, begin := range []string{"EHLO dst.example\r\n", "PROXY TCP4 192.0.2.300 192.0.2.25 1 2\r\n", "\x16\x03\x01\x02\x00\x01\x00"} {
		b.dial(begin).do("", "<close>")
	}
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, Config{Proxies: wire.Proxies{netip.MustParsePrefix("198.51.100.0/24")}})
		defer w.stop()
		stranger := w.dial("192.0.2.9")
		stranger.do("", "220 ", strings.TrimSuffix(headerOne, "\r\n"), "500 ", "QUIT", "221 ")
		silent := w.dial("198.51.100.1")
		silent.do("", "<close>")
		for _, c := range []*client{stranger, silent} {
			_ = c.conn.Close()
		}
	})
}
