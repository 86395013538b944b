package smtp

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"relay/quota"
	"relay/smtp/align"
	"relay/store"
	"relay/store/behalf"
	"relay/store/books"
	"relay/store/ledger"
	"relay/store/orders"
	"relay/store/people"
	"relay/store/secret"
	"relay/store/spooled"
)

// pipes is a listener whose connections are pipes: it works in a synctest bubble.
type pipes struct {
	ch   chan net.Conn
	done chan struct{}
	once sync.Once
}

func newPipes() *pipes { return &pipes{ch: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.ch:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// counted is the server's end of a pipe, with a client's address and a count of
// the writes.
type counted struct {
	net.Conn
	from   net.Addr
	mu     sync.Mutex
	writes int
}

func (c *counted) RemoteAddr() net.Addr { return c.from }
func (c *counted) Write(b []byte) (int, error) {
	c.mu.Lock()
	c.writes++
	c.mu.Unlock()
	return c.Conn.Write(b)
}
func (c *counted) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writes
}

// site under test: a store on a real file and a running listener.
type fixture struct {
	t    testing.TB
	st   *store.Store
	srv  *Server
	halt context.CancelFunc
	ls   map[Mode]*pipes
	stop func()
	log  *bytes.Buffer
}

const goodSecret = "correct horse battery"

var secretHash = secret.HashToken(goodSecret)

type setup struct {
	cfg     Config
	plan    quota.Plan
	account func(*books.Account)
	state   ledger.AccountState // "": active
	reason  string              // of a suspension
	started int                 // days ago
	network string
	credit  int64         // granted, in units of the plan
	unpaid  bool          // it was activated without the payment, which is overdue
	reserve int64         // octets of disk kept free
	memory  int64         // octets of bodies in memory
	free    func() int64  // octets of free disk; nil: what there are
	dns     align.Domains // nil: nobody judges who messages are from
}

func start(t testing.TB, s setup) *fixture {
	t.Helper()
	f := &fixture{t: t, ls: map[Mode]*pipes{StartTLS: newPipes(), Implicit: newPipes(), None: newPipes()}, log: &bytes.Buffer{}}
	log := slog.New(slog.NewTextHandler(&locked{w: f.log}, nil))
	var err error
	var ago atomic.Int64 // what the store's clock is behind, while the account is added
	ago.Store(int64(time.Since(time.Now().Add(-time.Minute).AddDate(0, 0, -s.started))))
	now := func() time.Time { return time.Now().Add(-time.Duration(ago.Load())) }
	if f.st, err = store.Open(filepath.Join(t.TempDir(), "relay.db"), store.Options{Log: log, Reserve: s.reserve, Memory: s.memory, Free: s.free, Now: now}); err != nil {
		t.Fatal(err)
	}
	if s.plan.Term == "" {
		s.plan.Term = quota.Year
	}
	s.plan.Name = "test"
	a := books.Account{Name: "acme"}
	if s.account != nil {
		s.account(&a)
	}
	if s.state == ledger.Pending || s.unpaid {
		s.plan.Price = 1000
	}
	_, err = f.st.Orders.AddAccount(behalf.Order{}, orders.NewAccount{Account: a, Plan: s.plan,
		Credential: &people.Credential{Login: "acme", Account: "acme", Kind: people.Token, Hash: secretHash}})
	if err != nil {
		t.Fatal(err)
	}
	ago.Store(0)
	if s.unpaid {
		_, err = f.st.Orders.Activate(behalf.Order{}, "acme")
		told := func(_ ledger.Invoice, _ orders.Receipt, e error) { err = errors.Join(err, e) }
		err = errors.Join(f.st.Orders.DunBy(context.Background(), f.st.Now(), told), err)
	}
	if s.credit > 0 && err == nil {
		_, err = f.st.Orders.Correct(behalf.Order{}, "acme", orders.Correction{Units: s.credit, Text: "a gift"})
	}
	if err != nil {
		t.Fatal(err)
	}
	switch s.state {
	case ledger.Suspended:
		_, err = f.st.Orders.Suspend(behalf.Order{}, "acme", s.reason)
	case ledger.Closed:
		_, err = f.st.Orders.CloseAccount(behalf.Order{}, "acme", s.reason)
	}
	if err != nil {
		t.Fatal(err)
	}
	if s.network != "" {
		if err := f.st.People.AddNetwork(people.Network{Prefix: netip.MustParsePrefix(s.network), Account: "acme"}); err != nil {
			t.Fatal(err)
		}
	}
	s.cfg.Hostname, s.cfg.TLS = "relay.example", serverTLS()
	if s.dns != nil {
		s.cfg.Judge = align.New(f.st, "relay.example", s.dns, log)
	}
	if f.srv, err = New(f.st, s.cfg, log); err != nil {
		t.Fatal(err)
	}
	f.srv.guard.CheckBy(secret.Verify) // what is wrong is not hashed, but where a test is about that
	var ls []Listener
	for m, p := range f.ls {
		ls = append(ls, Listener{p, m})
	}
	ctx, cancel := context.WithCancel(context.Background())
	f.halt = cancel
	ended := make(chan error, 1)
	go func() { ended <- f.srv.Run(ctx, ls) }()
	f.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := f.st.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// client of a test. It reads in the background, as a pipe has no buffer.
type client struct {
	t      testing.TB
	server *counted
	conn   net.Conn
	r      *bufio.Reader
}

func (f *fixture) dial(mode Mode, from string) *client {
	a, b := net.Pipe()
	s := &counted{Conn: b, from: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(from), 1234))}
	f.ls[mode].ch <- s
	c := &client{t: f.t, server: s, conn: a}
	c.listen()
	if mode == Implicit {
		c.tls()
	}
	return c
}

func (c *client) listen() {
	ch := make(chan []byte, 1000)
	go func(conn net.Conn) {
		defer close(ch)
		for {
			b := make([]byte, 4096)
			n, err := conn.Read(b)
			if n > 0 {
				ch <- b[:n]
			}
			if err != nil {
				return
			}
		}
	}(c.conn)
	c.r = bufio.NewReader(&chanReader{ch: ch})
}

type chanReader struct {
	ch  chan []byte
	now []byte
}

func (r *chanReader) Read(b []byte) (int, error) {
	if len(r.now) == 0 {
		next, ok := <-r.ch
		if !ok {
			return 0, io.EOF
		}
		r.now = next
	}
	n := copy(b, r.now)
	r.now = r.now[n:]
	return n, nil
}

// tls starts TLS over what the reader in the background delivers.
func (c *client) tls() {
	t := tls.Client(&readFrom{c.conn, c.r}, &tls.Config{InsecureSkipVerify: true, ServerName: "relay.example"})
	if err := t.Handshake(); err != nil {
		c.t.Logf("handshake: %v", err)
	}
	c.conn = t
	c.listen()
}

type readFrom struct {
	net.Conn
	r io.Reader
}

func (c *readFrom) Read(b []byte) (int, error) { return c.r.Read(b) }

func (c *client) send(text string) {
	if _, err := io.WriteString(c.conn, text); err != nil && err != io.ErrClosedPipe {
		c.t.Logf("send: %v", err)
	}
}

func (c *client) line() string {
	s, err := c.r.ReadString('\n')
	if err != nil && s == "" {
		return "<close>"
	}
	return strings.TrimSuffix(s, "\r\n")
}

// want reads one reply and compares its beginning.
func (c *client) want(prefix string) string {
	c.t.Helper()
	for {
		s := c.line()
		if len(s) > 3 && s[3] == '-' {
			continue
		}
		if !strings.HasPrefix(s, prefix) {
			c.t.Fatalf("server says %q, want %q", s, prefix)
		}
		return s
	}
}

// do sends lines and wants a reply to each.
func (c *client) do(pairs ...string) {
	c.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		c.send(pairs[i] + "\r\n")
		c.want(pairs[i+1])
	}
}

// login greets and logs in on a connection with TLS.
func (c *client) login() {
	c.t.Helper()
	c.want("220 ")
	c.do("EHLO me", "250 ", "AUTH PLAIN "+plain("acme", goodSecret), "235 2.7.0")
}

func plain(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))
}

var serverTLS = sync.OnceValue(func() *tls.Config {
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

// spooled are the stored messages with their bodies, oldest first.
func (f *fixture) spooled() (ms []*spooled.Message, bodies []string) {
	f.t.Helper()
	err := f.st.Spool.Queue(spooled.ID{}, func(m *spooled.Message) error {
		c := *m
		ms = append(ms, &c)
		return nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
	for _, m := range ms {
		r := f.st.Bodies.Open(m.ID)
		b, err := io.ReadAll(r)
		if err != nil {
			f.t.Fatal(err)
		}
		_ = r.Close()
		bodies = append(bodies, string(b))
	}
	return ms, bodies
}

func (f *fixture) charged() quota.Charge {
	f.t.Helper()
	st, err := f.st.Standings.Standing("acme")
	if err != nil {
		f.t.Fatal(err)
	}
	return st.Used.Charged
}
