package backmail

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"relay/quota"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/orders"
	"relay/store/spool"
	"relay/store/spooled"
	"relay/store/trace"
)

// world is a store with one message of an account, and a listener that takes what comes back.
type world struct {
	t     testing.TB
	st    *store.Store
	srv   *Server
	in    chan net.Conn
	sent  *spooled.Message // to ann@example.net and bob@example.net
	stop  func()
	asked []string // of Answer: the recipients
	cases []Case
}

var _ net.Listener = (*world)(nil)

// Accept implements net.Listener.
func (w *world) Accept() (net.Conn, error) {
	c, ok := <-w.in
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

// Close implements net.Listener.
func (w *world) Close() error { close(w.in); return nil }

// Addr implements net.Listener.
func (w *world) Addr() net.Addr { return &net.TCPAddr{} }

func begin(t testing.TB, cfg Config) *world {
	t.Helper()
	w := &world{t: t, in: make(chan net.Conn)}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	var err error
	if w.st, err = store.Open(filepath.Join(t.TempDir(), "relay.db"), store.Options{Log: log}); err != nil {
		t.Fatal(err)
	}
	w.st.Spool.SetDSNs(spool.DSNs{PerHour: 1000})
	w.send()
	cfg.Names = Names{Domain: "back.example", Host: "relay.example"}
	cfg.TLS = certificate()
	if cfg.Operator == "" {
		cfg.Operator = "operator@example.org"
	}
	cfg.Answer = func(_ context.Context, in *Incoming) error { w.asked = append(w.asked, in.Recipient); return nil }
	cfg.Desk = func(_ *Incoming, c *Case) error { w.cases = append(w.cases, *c); return nil }
	if w.srv, err = New(w.st, cfg, log); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.srv.Run(ctx, []net.Listener{w}) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if !w.srv.gate.Empty() {
			t.Error("connections are still counted")
		}
		if err := w.st.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// send accepts the message and has it delivered.
func (w *world) send() {
	w.t.Helper()
	_, err := w.st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: books.Account{Name: "acme", Senders: []string{"@customer.example"}}, Plan: quota.Plan{Name: "p", Term: quota.Year}})
	if err != nil {
		w.t.Fatal(err)
	}
	b := w.st.Bodies.New()
	_, _ = b.Write([]byte("Subject: hello\r\n\r\nhello\r\n"))
	w.sent = &spooled.Message{Account: "acme", Sender: "shop@customer.example", MessageID: "<1@customer.example>", Size: 25, Expires: w.st.Now().Add(time.Hour),
		Recipients: []spooled.Recipient{{Address: "ann@example.net", Domain: "example.net"}, {Address: "bob@example.net", Domain: "example.net"}}}
	if no, err := w.st.Accept(store.Intake{Message: w.sent, Body: b}); err != nil || no != nil {
		w.t.Fatal(no, err)
	}
	list, err := w.st.Spool.Claim([]spool.Want{{Lane: spooled.Lane{Domain: "example.net", Account: "acme"}, Max: 1}}, func(*spooled.Message, int) time.Time { return w.st.Now().Add(time.Hour) })
	if err != nil || len(list) != 1 {
		w.t.Fatal(list, err)
	}
	if err := w.st.Spool.Settle(spool.Result{ID: w.sent.ID, Domain: "example.net", Event: trace.Event{Kind: trace.EventAttempt},
		Outcomes: []spool.Outcome{{Rcpt: 0, State: spooled.Delivered, Reply: "250 ok"}, {Rcpt: 1, State: spooled.Delivered, Reply: "250 ok"}}}); err != nil {
		w.t.Fatal(err)
	}
}

// token is that of ann.
func (w *world) token() string { return w.st.Delivered.Token(w.sent, 0) }

// queued are the recipients of what waits to go out.
func (w *world) queued() (to []string) {
	w.t.Helper()
	err := w.st.Spool.Queue(spooled.ID{}, func(m *spooled.Message) error { to = append(to, m.Recipients[0].Address); return nil })
	if err != nil {
		w.t.Fatal(err)
	}
	return to
}

// end is the server's side of a pipe that has an address.
type end struct {
	net.Conn
	from net.TCPAddr
}

func (e *end) RemoteAddr() net.Addr { return &e.from }
func (e *end) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 25), Port: 25} }

// client speaks to the listener. It reads in the background, as a pipe has no buffer.
type client struct {
	t    testing.TB
	conn net.Conn
	r    *bufio.Reader
}

func (w *world) dial(from string) *client {
	a, b := net.Pipe()
	w.in <- &end{b, net.TCPAddr{IP: net.ParseIP(from), Port: 1234}}
	c := &client{t: w.t, conn: a}
	c.listen()
	return c
}

func (c *client) listen() {
	r, w := io.Pipe()
	lines := make(chan []byte, 1000)
	go func(conn net.Conn) {
		defer close(lines)
		for {
			b := make([]byte, 4096)
			n, err := conn.Read(b)
			if n > 0 {
				lines <- b[:n]
			}
			if err != nil {
				return
			}
		}
	}(c.conn)
	go func() {
		for b := range lines {
			if _, err := w.Write(b); err != nil {
				return
			}
		}
		_ = w.Close()
	}()
	c.r = bufio.NewReader(r)
}

// over is a connection whose octets come by way of a reader.
type over struct {
	net.Conn
	r io.Reader
}

func (o *over) Read(b []byte) (int, error) { return o.r.Read(b) }

func (c *client) tls() {
	t := tls.Client(&over{c.conn, c.r}, &tls.Config{InsecureSkipVerify: true, ClientSessionCache: tls.NewLRUClientSessionCache(1)})
	if err := t.Handshake(); err != nil {
		c.t.Fatal(err)
	}
	c.conn = t
	c.listen()
}

func (c *client) send(text string) { _, _ = io.WriteString(c.conn, text) }

func (c *client) line() string {
	s, err := c.r.ReadString('\n')
	if err != nil && s == "" {
		return "<close>"
	}
	return strings.TrimSuffix(s, "\r\n")
}

// do sends lines and wants a reply to each.
func (c *client) do(pairs ...string) {
	c.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] != "" {
			c.send(pairs[i] + "\r\n")
		}
		s := c.line()
		for len(s) > 3 && s[3] == '-' {
			s = c.line()
		}
		if !strings.HasPrefix(s, pairs[i+1]) {
			c.t.Fatalf("to %q the server says %q, want %q", pairs[i], s, pairs[i+1])
		}
	}
}

var certificate = sync.OnceValue(func() *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0), DNSNames: []string{"relay.example"}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
})
